import { describe, expect, it } from 'vitest'
import { checkArguments, toWireArguments } from './arguments.ts'
import { SerializationError, ValidationError } from './errors.ts'

const limits = { requestBytesMax: 100, requestDepthMax: 4 }
const call = { server: 'files', tool: 'read', limits }

describe('toWireArguments', () => {
  it('copies the arguments as JSON has them', () => {
    const args = { at: new Date(0), none: undefined, list: [1, undefined] }
    const wire = toWireArguments(args, call)
    expect(wire).toEqual({ at: '1970-01-01T00:00:00.000Z', list: [1, null] })
    args.list.push(2)
    expect(wire['list']).toEqual([1, null])
  })

  it('refuses what is no object', () => {
    for (const args of [null, undefined, [], 'text', 7, () => 1]) {
      expect(() => toWireArguments(args, call)).toThrow(ValidationError)
    }
  })

  it('refuses what JSON cannot say', () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    expect(() => toWireArguments(circle, call)).toThrow(SerializationError)
    expect(() => toWireArguments({ big: 1n }, call)).toThrow(SerializationError)
  })

  it('names the limit that arguments exceed, in bytes and not in characters', () => {
    expect(() => toWireArguments({ text: 'x'.repeat(100) }, call)).toThrow(/at most 100 bytes/)
    expect(() => toWireArguments({ text: 'ü'.repeat(60) }, call)).toThrow(/at most 100 bytes/)
    expect(toWireArguments({ text: 'ü'.repeat(40) }, call)).toEqual({ text: 'ü'.repeat(40) })
    expect(() => toWireArguments({ a: { b: { c: { d: {} } } } }, call)).toThrow(/at most 4 levels/)
  })
})

describe('checkArguments', () => {
  const definition = { name: 'read', inputSchema: { type: 'object' } }

  it('throws every fault that the check finds, with server and tool', async () => {
    const check = () => Promise.resolve(['arguments: one', 'arguments: two'])
    const checking = checkArguments({}, { server: 'files', tool: 'read', definition }, check)
    await expect(checking).rejects.toMatchObject({
      code: 'invalid_params',
      cause: { server: 'files', tool: 'read', errors: ['arguments: one', 'arguments: two'] },
    })
  })

  it('lets through what fits, and what no schema can judge', async () => {
    const outcomes = [[], null]
    for (const outcome of outcomes) {
      const check = () => Promise.resolve(outcome)
      await expect(checkArguments({}, { server: 'files', tool: 'read', definition }, check)).resolves.toBeUndefined()
    }
  })

  it('asks nobody about a tool without a schema', async () => {
    const check = () => Promise.reject(new Error('asked'))
    const call = { server: 'files', tool: 'read', definition: { name: 'read' } }
    await expect(checkArguments({}, call, check)).resolves.toBeUndefined()
  })
})
