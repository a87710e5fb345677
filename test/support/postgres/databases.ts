/** Databases of a real PostgreSQL for the tests of one file. */
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, inject } from 'vitest'

/**
 * For the top of a test file: gives what makes addresses of empty databases. They are dropped when the file is done.
 * The first of a run starts the server, which takes a second or two: give hooks and tests room for that.
 */
export function postgresDatabases(): () => Promise<string> {
  const urls: string[] = []
  afterAll(async () => {
    for (const url of urls) await ask(`drop ${url}`)
  }, postgresStartMsMax)
  return async () => {
    const url = await ask('create')
    urls.push(url)
    return url
  }
}

/** How long the first database of a run may take on a loaded machine. */
export const postgresStartMsMax = 60_000

async function ask(request: string): Promise<string> {
  const socket = connect(inject('postgresDesk'))
  socket.write(request)
  const answer = await text(socket)
  if (answer.startsWith('failed')) throw new Error(answer)
  return answer
}
