/** What a session's shim asks its platform's adapter over a local socket: one line of JSON, and one in answer. */
import { z } from 'zod'
import { SessionId } from './session.ts'

export const shimQuestionCharsMax = 1_024
export const shimAnswerCharsMax = 65_536

/** Without a server: which there are. */
export const ShimQuestion = z.strictObject({ session: SessionId, server: z.string().min(1).max(256).optional() })
export type ShimQuestion = z.infer<typeof ShimQuestion>

/** Where a server is reached for a session, and with which bearer, at this moment. */
export const ShimPlace = z.strictObject({ url: z.url({ protocol: /^https?$/ }), token: z.string().min(1).nullable() })
export type ShimPlace = z.infer<typeof ShimPlace>

const ShimServers = z.strictObject({ servers: z.array(z.string()) })

/** One and the same for a session and for a server that are not known: whoever asks learns nothing of others' sessions. */
const ShimRefusal = z.strictObject({ error: z.literal('unknown') })

export const ShimAnswer = z.union([ShimPlace, ShimServers, ShimRefusal])
export type ShimAnswer = z.infer<typeof ShimAnswer>
