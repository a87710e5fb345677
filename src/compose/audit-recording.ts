/** What is recorded of each event, as this process is told to. */
import { hashToken } from '#adapters/crypto/token-mint.ts'
import type { LoadedConfig } from '#config/loaded-config.ts'
import type { AuditRecordLog } from '#core/audit/audit-log.ts'
import { createAuditRecorder, type AuditRecorderLog } from '#core/audit/audit-recorder.ts'
import { createRedaction } from '#core/audit/redaction.ts'
import { givenValuesOf, secretValuesOf } from '#core/credential/secret-values.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { secretsOf } from './served-servers.ts'

export type Recording = {
  payloads: LoadedConfig['audit']['payloads']
  limits: Pick<LoadedConfig['limits'], 'auditPayloadBytesMax' | 'auditEventsMax'>
}

/** The log, for who knows less of an event than is to be recorded. */
export function openRecorder(
  log: AuditRecordLog,
  { snapshot, recording }: { snapshot: ResourceSnapshot; recording: Recording },
): AuditRecorderLog {
  const { payloads, limits } = recording
  const known = secretsIn(snapshot)
  const redaction = {
    bytesMax: limits.auditPayloadBytesMax,
    secrets: () => known().texts,
    words: () => known().words,
  }
  return createAuditRecorder(log, {
    hash: hashToken,
    later: { nextTurn: setImmediate, after: (delayMs, task) => void setTimeout(task, delayMs).unref() },
    holders: snapshot,
    redact: payloads === 'redacted' ? createRedaction(redaction) : null,
  })
}

type Known = { texts: readonly string[]; words: ReadonlySet<string> }

const kinds = ['server', 'secret', 'credential'] as const

/** Gathered again when something has changed that holds some. Equal lists stay the same list: what is made of it is dear. */
function secretsIn(snapshot: ResourceSnapshot): () => Known {
  let version = Number.NaN
  let known: Known = { texts: [], words: new Set() }
  return () => {
    const present = kinds.reduce((sum, kind) => sum + snapshot.versionOf(kind), 0)
    if (present === version) return known
    version = present
    const found = gather(snapshot)
    const isSame =
      found.texts.length === known.texts.length && found.texts.every((text, at) => text === known.texts[at])
    known = isSame ? { ...found, texts: known.texts } : found
    return known
  }
}

function gather(snapshot: ResourceSnapshot): Known {
  const find = secretsOf(snapshot)
  const given = snapshot.all('credential').map(({ spec }) => givenValuesOf(spec))
  const texts = [
    ...snapshot.all('secret').map(({ spec }) => spec.value),
    ...snapshot.all('server').flatMap(({ spec }) => secretValuesOf(spec, find)),
    ...given.flatMap((one) => one.texts),
  ]
  return { texts, words: new Set(given.flatMap(({ tokens }) => tokens)) }
}
