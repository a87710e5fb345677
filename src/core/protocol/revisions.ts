/** The revisions of MCP, by the specification's own two words: *legacy* begins with `initialize`, *modern* does not. */
export type Era = 'legacy' | 'modern'

export const modernRevision = '2026-07-28'
export const legacyRevisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const
export const newestLegacyRevision = '2025-11-25'

export type LegacyRevision = (typeof legacyRevisions)[number]

export function isLegacyRevision(value: unknown): value is LegacyRevision {
  return typeof value === 'string' && (legacyRevisions as readonly string[]).includes(value)
}

/** Revisions are dates, so they compare as text. */
export function isAtLeast(revision: string, other: LegacyRevision): boolean {
  return revision >= other
}
