import { describe, expect, it } from 'vitest'
import { toInitializeResult } from './describe.ts'

const tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } }
const about = { capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' }, instructions: undefined }

describe('the answer to initialize', () => {
  it('promises tasks to a client whose revision has them', () => {
    expect(toInitializeResult({ ...about, tasks }, '2025-11-25')).toMatchObject({ capabilities: { tools: {}, tasks } })
    expect(toInitializeResult({ ...about, tasks }, '2025-06-18')).not.toHaveProperty('capabilities.tasks')
  })

  it('promises none where no server has them', () => {
    expect(toInitializeResult({ ...about, tasks: undefined }, '2025-11-25')).not.toHaveProperty('capabilities.tasks')
  })

  it('says nothing of extensions, which are a modern thing', () => {
    const capabilities = { tools: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } }
    const result = toInitializeResult({ ...about, capabilities, tasks: undefined }, '2025-11-25')
    expect(result).not.toHaveProperty('capabilities.extensions')
  })
})
