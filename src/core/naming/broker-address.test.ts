import { expect, it } from 'vitest'
import { parseBrokerAddress } from './broker-address.ts'

it.each([
  ['/sessions/ses_1/mcp/git', 'ses_1', 'git'],
  ['/sessions/ses_1/mcp/git/', 'ses_1', 'git'],
  ['/api/v1/managed_agents/sessions/ses_1/mcp/git', 'ses_1', 'git'],
  ['/sessions/ses%5F1/mcp/g%69t', 'ses_1', 'git'],
  ['/sessions/ses_1/mcp/sse', 'ses_1', 'sse'],
  ['/sessions/ses_1/mcp/..%2F..%2Fadmin', 'ses_1', '../../admin'],
  ['/sessions/ses_1/mcp/g%C3%AFt', 'ses_1', 'gït'],
])('reads %s', (path, sessionId, server) => {
  expect(parseBrokerAddress(path)).toEqual({ sessionId, server })
})

it.each([
  '/sessions/ses_1/mcp',
  '/sessions/ses_1/mcp/',
  '/sessions//mcp/git',
  '/sessions/ses_1/mcp/git/sse',
  '/sessions/ses_1/mcp/a/b',
  '/sessions/ses_1/mcp//git',
  '/sessions/%E0%A4%A/mcp/git',
  '/Sessions/ses_1/mcp/git',
  '/managed_agents/sessions/ses_1/mcp/git',
  '/api/v1/sessions/ses_1/mcp/git',
  '/x/sessions/ses_1/mcp/git',
])('finds none in %s', (path) => {
  expect(parseBrokerAddress(path)).toBeNull()
})
