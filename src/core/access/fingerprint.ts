/** One text for all that an access is made of: equal for equal parts, in whatever order they come. */
import type { Policy } from '#contract/policy.ts'
import type { Ceiling, ToolPair } from './ceiling.ts'
import type { AttachedPolicy, Composition } from './composition.ts'
import { compareTexts } from './rule-order.ts'

type Hash = (text: string) => string

export function toFingerprint({ grant, bounds, within, ceilings }: Composition, hash: Hash): string {
  const attached = (list: readonly AttachedPolicy[]): string[] =>
    sortedOnce(list.map(({ policy, attachedTo: { kind, name } }) => textOf([kind, name, fingerprintOf(policy, hash)])))
  const cut = sortedOnce(ceilings.map((ceiling) => toText(ceiling, hash)))
  return hash(textOf([attached(grant), attached(bounds), cut, ...(within ? [attached(within)] : [])]))
}

const known = new WeakMap<Hash, WeakMap<object, string>>()

/** Policies and toolsets are shared by many callers: each is read once. */
function once(source: object, hash: Hash, toText: () => string): string {
  let own = known.get(hash)
  if (!own) known.set(hash, (own = new WeakMap()))
  let fingerprint = own.get(source)
  if (fingerprint === undefined) own.set(source, (fingerprint = hash(toText())))
  return fingerprint
}

/** All that a decision or its reason can depend on, and nothing else. A rule's position is part of its reason. */
function fingerprintOf(policy: Policy, hash: Hash): string {
  return once(policy, hash, () =>
    textOf([
      policy.name,
      policy.default,
      policy.rules.map(({ server, tool, level, allowedParams, conditions }) => [
        server,
        tool,
        level,
        allowedParams,
        conditions,
      ]),
    ]),
  )
}

function toText({ name, servers = [], labels = [], tools = [], toolsets = [] }: Ceiling, hash: Hash): string {
  const named = toolsets.map((toolset) =>
    textOf([toolset.name, once(toolset.tools, hash, () => textOf(pairsOf(toolset.tools)))]),
  )
  return textOf([name, sortedOnce(servers), sortedOnce(labels), pairsOf(tools), sortedOnce(named)])
}

function pairsOf(tools: readonly ToolPair[]): string[] {
  return sortedOnce(tools.map(({ server, tool }) => textOf([server, tool])))
}

function sortedOnce(texts: readonly string[]): string[] {
  return [...new Set(texts)].toSorted(compareTexts)
}

function textOf(parts: readonly unknown[]): string {
  return JSON.stringify(parts)
}
