import { expect, it } from 'vitest'
import { toInitializeResult } from './describe.ts'

it('promises of tasks what the gateway relays: each by its id, and no list', () => {
  const requests = { tools: { call: {} } }
  const capabilities = { tools: {}, tasks: { list: {}, cancel: {}, requests } }
  const description = { capabilities, serverInfo: { name: 's', version: '1' }, instructions: undefined }
  expect(toInitializeResult(description, '2025-11-25')).toMatchObject({
    capabilities: { tools: {}, tasks: { cancel: {}, requests } },
  })
  expect(toInitializeResult(description, '2025-11-25')).not.toHaveProperty('capabilities.tasks.list')
  expect(toInitializeResult(description, '2025-06-18')).not.toHaveProperty('capabilities.tasks')
})
