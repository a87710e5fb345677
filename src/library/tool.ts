/** A tool: one that a server lists, or one that a program defines itself. */
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { toAnthropicTool, toOpenAIFunction, type AnthropicTool, type OpenAIFunction } from './convert.ts'
import { ValidationError } from './errors.ts'
import { toJsonSchema, ToolInputSchema, type SchemaLike } from './input-schema.ts'

export class Tool {
  readonly name: string
  readonly description: string | undefined
  /** JSON Schema of the arguments. */
  readonly inputSchema: JsonObject
  /** Members that MCP knows or will know beside these: title, annotations, outputSchema, _meta … */
  readonly #others: JsonObject

  /**
   * Without a schema, the tool takes no arguments.
   * @param others further members as MCP has them, `inputSchema` among them
   */
  constructor(name: string, description?: string, others: JsonObject = {}) {
    if (name === '') throw new ValidationError({ errors: ['a tool needs a name'] })
    const { inputSchema, ...rest } = others
    this.name = name
    this.description = description
    this.inputSchema = isJsonObject(inputSchema) ? inputSchema : new ToolInputSchema().toJSON()
    this.#others = rest
  }

  /**
   * A tool as `tools/list` gives it; nothing of it is lost.
   * @throws ValidationError when it has no name or no schema
   */
  static from(listed: unknown): Tool {
    if (!isJsonObject(listed)) throw new ValidationError({ errors: ['a tool is an object'] })
    const { name, description, ...others } = listed
    if (typeof name !== 'string') throw new ValidationError({ errors: ['a tool needs a name'] })
    if (!isJsonObject(others['inputSchema']))
      throw new ValidationError({ tool: name, errors: ['inputSchema is missing'] })
    return new Tool(name, typeof description === 'string' ? description : undefined, others)
  }

  withDescription(description: string): Tool {
    return new Tool(this.name, description, { ...this.#others, inputSchema: this.inputSchema })
  }

  withInputSchema(schema: SchemaLike): Tool {
    return new Tool(this.name, this.description, { ...this.#others, inputSchema: toJsonSchema(schema) })
  }

  /** The same as `withInputSchema`. */
  withSchema(schema: SchemaLike): Tool {
    return this.withInputSchema(schema)
  }

  /** @param name what the model is to call it; the tool's own name if none is given */
  toOpenAIFunction(name?: string): OpenAIFunction {
    return toOpenAIFunction(this, name)
  }

  /** @param name what the model is to call it; the tool's own name if none is given */
  toAnthropicTool(name?: string): AnthropicTool {
    return toAnthropicTool(this, name)
  }

  /** As MCP writes it. */
  toJSON(): JsonObject {
    const { name, description, inputSchema } = this
    return { ...this.#others, name, ...(description === undefined ? {} : { description }), inputSchema }
  }
}
