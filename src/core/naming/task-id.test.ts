import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { exposeTaskId, parseExposedTaskId } from './task-id.ts'

const server = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,39}$/)

it('leads back to the server and its own id, whatever the id', () => {
  fc.assert(
    fc.property(server, fc.string(), (name, taskId) => {
      expect(parseExposedTaskId(exposeTaskId(name, taskId))).toEqual({ server: name, taskId })
    }),
  )
})

it.each(['', 'task', ':task', 'Upper:task', 'with space:task'])('is nobody’s: %s', (id) => {
  expect(parseExposedTaskId(id)).toBeNull()
})
