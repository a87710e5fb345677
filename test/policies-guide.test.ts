/** The guide is true: every example on docs/guides/policies.md decides what its table says. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { Policy } from '#contract/policy.ts'
import { Server } from '#contract/server.ts'
import { composeAccess, type Access } from '#core/access/access.ts'
import { chooseGrant } from '#core/access/choose-grant.ts'
import { allowsExecute, allowsRead } from '#core/access/decide.ts'
import { wordOf } from '#gateway/methods/calls.ts'

const guide = readFileSync(new URL('../docs/guides/policies.md', import.meta.url), 'utf8')

const names = z.array(z.string()).default([])
const pair = z.strictObject({ server: z.string(), tool: z.string() })
/** `attached` and `bounds` stand for what resources say; without `attached` all policies are the token's. */
const Example = z.strictObject({
  servers: z.record(z.string(), Server.pick({ labels: true, isForEveryone: true }).strict()).default({}),
  policies: z.record(z.string(), Policy.omit({ name: true })),
  attached: z.strictObject({ token: names, team: names, organization: names }).optional(),
  bounds: z
    .record(z.string(), z.strictObject({ servers: names, labels: names, tools: z.array(pair).default([]) }))
    .default({}),
})

const examples = [
  ...guide.matchAll(/^```yaml\n(.*?)^```\n\n\| Asked \| In lists \| Callable \| Why \|\n[| -]+\n((?:\|[^\n]*\n)+)/gms),
].map(([, yaml = '', table = '']) => ({
  access: toAccess(Example.parse(parse(yaml))),
  rows: table.trimEnd().split('\n').map(toRow),
}))

function toAccess({ servers, policies, attached, bounds }: z.infer<typeof Example>): Access {
  const { token = Object.keys(policies), team = [], organization = [] } = attached ?? {}
  const find = (name: string): Policy | undefined => policies[name] && { name, ...policies[name] }
  const owners = {
    teams: [{ name: 'team', policies: team.map(find) }],
    organization: { name: 'organization', policies: organization.map(find) },
  }
  return composeAccess({
    ...chooseGrant({ token: { policies: token.map(find) }, ...owners }),
    ...(attached && { within: chooseGrant(owners).grant }),
    ceilings: Object.entries(bounds).map(([name, bound]) => ({ name, ...bound })),
    labelsOf: (server) => servers[server]?.labels ?? [],
    isForEveryone: (server) => servers[server]?.isForEveryone ?? false,
  })
}

function toRow(line: string) {
  const [, server = '', tool = '', args = '{}', listed, callable, why] =
    /^\| `([\w-]+)\/(\w+)(?: (\{.*\}))?` \| (yes|no) \| (yes|no) \| (.*) \|$/.exec(line) ?? []
  return {
    line,
    server,
    tool,
    args: z.record(z.string(), z.unknown()).parse(JSON.parse(args)),
    told: [listed, callable, why],
  }
}

describe('the guide', () => {
  it('has a table for each example', () => {
    expect(examples.length).toBeGreaterThan(5)
    expect(guide.match(/^```yaml$/gm)).toHaveLength(examples.length)
    expect(guide.match(/^\| `[\w-]+\/.*$/gm)).toHaveLength(examples.flatMap(({ rows }) => rows).length)
  })

  it.each(examples.flatMap(({ access, rows }) => rows.map((row) => ({ ...row, access }))))(
    '$line',
    ({ access, server, tool, args, told }) => {
      const called = access.call(server, tool, args)
      const yes = (is: boolean): string => (is ? 'yes' : 'no')
      const found = [yes(allowsRead(access.tool(server, tool).level)), yes(allowsExecute(called.level)), wordOf(called)]
      expect(found).toEqual(told)
    },
  )
})
