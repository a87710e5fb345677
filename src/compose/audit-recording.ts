/** What is recorded of each event, as this process is told to. */
import { hashToken } from '#adapters/crypto/token-mint.ts'
import type { LoadedConfig } from '#config/loaded-config.ts'
import type { AuditLog } from '#core/audit/audit-log.ts'
import { createAuditRecorder, type AuditRecorder } from '#core/audit/audit-recorder.ts'
import { createRedaction } from '#core/audit/redaction.ts'
import { secretValuesOf } from '#core/credential/secret-values.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'

export type Recording = {
  payloads: LoadedConfig['audit']['payloads']
  limits: Pick<LoadedConfig['limits'], 'auditPayloadBytesMax' | 'auditEventsMax'>
}

/** The log, for who knows less of an event than is to be recorded. */
export function openRecorder(
  log: AuditLog,
  { snapshot, recording }: { snapshot: ResourceSnapshot; recording: Recording },
): AuditLog & AuditRecorder {
  const { payloads, limits } = recording
  const redaction = { bytesMax: limits.auditPayloadBytesMax, secrets: secretsIn(snapshot) }
  return createAuditRecorder(log, {
    hash: hashToken,
    later: { nextTurn: setImmediate, after: (delayMs, task) => void setTimeout(task, delayMs).unref() },
    holders: snapshot,
    redact: payloads === 'redacted' ? createRedaction(redaction) : null,
  })
}

/** Gathered again when a server has changed. */
function secretsIn(snapshot: ResourceSnapshot): () => readonly string[] {
  let version = Number.NaN
  let secrets: readonly string[] = []
  return () => {
    const present = snapshot.versionOf('server')
    if (present !== version) {
      version = present
      secrets = snapshot.all('server').flatMap(({ spec }) => secretValuesOf(spec))
    }
    return secrets
  }
}
