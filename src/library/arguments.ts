/** Arguments of a tool call: as they will be on the wire, and whether the tool's schema takes them. */
import { GatewayError } from '#contract/errors.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { scanRequest } from '#core/protocol/scan.ts'
import { SerializationError, ValidationError } from './errors.ts'
import type { ToolPair } from './model-name.ts'

/** Every fault of a value; null where the schema itself cannot be used. */
export type SchemaCheck = (schema: JsonObject, value: unknown) => Promise<string[] | null>

/**
 * A copy of the arguments as JSON has them, so that what is checked is what is sent, whatever the program does meanwhile.
 * @throws ValidationError for what is no object, or is too large or nested too deeply; SerializationError for what is no JSON
 */
export function toWireArguments(
  args: unknown,
  call: ToolPair & { limits: { requestBytesMax: number; requestDepthMax: number } },
): JsonObject {
  const { server, tool, limits } = call
  const text = toJson(args)
  const errors = [
    ...(byteLength(text) > limits.requestBytesMax ? [`arguments: at most ${limits.requestBytesMax} bytes`] : []),
    ...(scanRequest(text, limits.requestDepthMax).isTooDeep
      ? [`arguments: at most ${limits.requestDepthMax} levels`]
      : []),
  ]
  if (errors.length > 0) throw new ValidationError({ server, tool, errors })
  const copy: unknown = JSON.parse(text)
  if (!isJsonObject(copy)) throw new ValidationError({ server, tool, errors: ['arguments: must be an object'] })
  return copy
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null'
  } catch (cause) {
    // Circles, and numbers that JSON does not have.
    throw new SerializationError({ cause })
  }
}

/**
 * For the engine's last look before a call. A schema that cannot be used checks nothing: the server knows what it takes.
 * @throws GatewayError `invalid_params`, caused by the ValidationError
 */
export async function checkArguments(
  args: JsonObject,
  call: ToolPair & { tool: string; definition: JsonObject },
  check: SchemaCheck,
): Promise<void> {
  const { server, tool, definition } = call
  const { inputSchema } = definition
  const errors = isJsonObject(inputSchema) ? await check(inputSchema, args) : null
  if (!errors || errors.length === 0) return
  throw new GatewayError('invalid_params', { cause: new ValidationError({ server, tool, errors }) })
}
