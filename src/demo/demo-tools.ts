/** The two tools of the demo server. */
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'

type DemoTool = {
  readonly description: JsonObject
  /** @param now Unix time in milliseconds. A text is the tool's own complaint. */
  readonly run: (args: JsonObject, now: number) => JsonObject | string
}

const echo: DemoTool = {
  description: {
    name: 'echo',
    title: 'Echo',
    description: 'Says what it was told.',
    inputSchema: {
      type: 'object',
      properties: { message: { type: 'string', description: 'What to say.' } },
      required: ['message'],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  },
  run: ({ message }) =>
    typeof message === 'string' ? { content: [{ type: 'text', text: message }] } : '"message" must be a text.',
}

const time: DemoTool = {
  description: {
    name: 'time',
    title: 'Time',
    description: 'Tells the time, in UTC or in a time zone.',
    inputSchema: {
      type: 'object',
      properties: { timeZone: { type: 'string', description: 'An IANA time zone such as Europe/Vienna.' } },
      additionalProperties: false,
    },
    outputSchema: {
      type: 'object',
      properties: { utc: { type: 'string' }, local: { type: 'string' }, timeZone: { type: 'string' } },
      required: ['utc', 'local', 'timeZone'],
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  run({ timeZone = 'UTC' }, now) {
    const local = typeof timeZone === 'string' ? localTime(now, timeZone) : null
    if (local === null) return '"timeZone" must be an IANA time zone such as Europe/Vienna.'
    const structuredContent = { utc: new Date(now).toISOString(), local, timeZone }
    return { content: [{ type: 'text', text: `${local} (${String(timeZone)})` }], structuredContent }
  },
}

function localTime(now: number, timeZone: string): string | null {
  try {
    return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(now)
  } catch {
    return null
  }
}

const tools = new Map([echo, time].map((tool) => [tool.description['name'], tool]))

export const toolDescriptions: readonly JsonObject[] = [...tools.values()].map(({ description }) => description)

/** @returns the result of `tools/call`, or null where there is no such tool */
export function callDemoTool(params: JsonObject, now: number): JsonObject | null {
  const { name, arguments: args } = params
  const outcome = tools.get(name)?.run(isJsonObject(args) ? args : {}, now)
  if (outcome === undefined) return null
  return typeof outcome === 'string' ? { content: [{ type: 'text', text: outcome }], isError: true } : outcome
}
