/** Every input has a limit, with its unit in its name. */
import { z } from 'zod'

const bytes = (fallback: number, what: string) => z.int().min(1).default(fallback).describe(what)
const count = bytes
/** A timer that is set for longer fires at once. */
const timerMsMax = 2_147_483_647
const time = (minimumMs: number, fallbackMs: number, what: string) =>
  z.int().min(minimumMs).max(timerMsMax).default(fallbackMs).describe(what)

export const Limits = z
  .strictObject({
    requestBytesMax: bytes(4_194_304, 'Size of one request body, or of one message on a channel.'),
    managementBytesMax: bytes(1_048_576, 'Size of one request body of the management API.'),
    managementRequestsPerMinuteMax: count(
      600,
      'Requests to the management API of one user or token, or of one address where nobody is known.',
    ),
    requestDepthMax: count(64, 'Nesting of one request body.'),
    requestTimeoutMs: time(100, 30_000, 'Time for a request body to arrive.'),
    responseBytesMax: bytes(33_554_432, 'Size of one answer, or of one event in a streamed answer.'),
    listingTimeoutMs: time(100, 10_000, 'The one deadline for listing all servers.'),
    listItemsMax: count(10_000, 'Tools, prompts or resources of one server.'),
    sessionsMax: count(10_000, 'Open client sessions in all.'),
    sessionsPerTokenMax: count(2_000, 'Open client sessions of one token.'),
    sessionIdleMs: time(1000, 1_800_000, 'A client session ends after this long without use.'),
    callsPerSessionMax: count(256, 'Requests under way in one client session.'),
    callsPerTokenMax: count(512, 'Calls under way of one token that has no limit of its own.'),
    parkedCallsMax: count(1_000, 'Calls that wait for a client to answer a question.'),
    parkedCallMs: time(1000, 600_000, 'How long such a call waits.'),
    agentSessionsMax: count(10_000, 'Agents’ sessions that start or run.'),
    agentSessionsPerAgentMax: count(2_000, 'Sessions of one agent that start or run.'),
    agentSessionStartsPerMinuteMax: count(
      300,
      'Starts of sessions of one agent, and by one user or token: so many at once, and so many a minute.',
    ),
    agentSessionStartMs: time(1000, 600_000, 'An agent’s session has failed when it is not in use after this long.'),
    tokensPerOwnerMax: count(
      1_000,
      'Tokens of one user or team, those that have ended among them until they are deleted.',
    ),
    auditEventsMax: count(65_536, 'Audit events of calls that wait for the database.'),
    auditPayloadBytesMax: bytes(
      4_096,
      'What is kept of the arguments, and of the result, of one call, where they are.',
    ),
    credentialValueBytesMax: bytes(
      8_192,
      'Size of one key, or of one value of a variable, that a user or a team gives for a server.',
    ),
    batchMessagesMax: count(50, 'Messages in one batch (2025-03-26 only).'),
  })
  .meta({ id: 'Limits' })
export type Limits = z.infer<typeof Limits>
