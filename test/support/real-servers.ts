/** The three servers of the MCP project, as npm delivers them. */
import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { findFreePort } from './free-port.ts'
import { until } from './until.ts'

const resolve = createRequire(import.meta.url).resolve

function mainOf(name: string): string {
  return join(dirname(resolve(`@modelcontextprotocol/${name}/package.json`)), 'dist', 'index.js')
}

export type StdioServer = { command: string; args: string[]; env?: Record<string, string> }

/** Its `everything` server over Streamable HTTP, a process of its own. */
export async function startEverything(): Promise<AsyncDisposable & { url: string }> {
  const port = await findFreePort()
  const child = spawn(process.execPath, [mainOf('server-everything'), 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const exited = new Promise<void>((done) => child.once('close', () => done()))
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  await until('the everything server listens', () => log.includes('listening'), { timeoutMs: 15_000 })
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async [Symbol.asyncDispose]() {
      kill()
      await exited
      process.off('exit', kill)
    },
  }
}

export const everythingServer = (): StdioServer => ({
  command: process.execPath,
  args: [mainOf('server-everything'), 'stdio'],
})

export const filesystemServer = (folder: string): StdioServer => ({
  command: process.execPath,
  args: [mainOf('server-filesystem'), folder],
})

/** @param file where it keeps its graph */
export const memoryServer = (file: string): StdioServer => ({
  command: process.execPath,
  args: [mainOf('server-memory')],
  env: { MEMORY_FILE_PATH: file },
})

/** A folder with something to read for each of the two. */
export async function fillFolder(folder: string): Promise<{ files: string; graph: string; otherGraph: string }> {
  const files = join(folder, 'files')
  await mkdir(files)
  await writeFile(join(files, 'greeting.txt'), 'Grüße aus der Datei\n')
  const entity = { type: 'entity', name: 'Ada', entityType: 'person', observations: ['wrote the first program'] }
  const [graph, otherGraph] = [join(folder, 'graph.jsonl'), join(folder, 'other-graph.jsonl')]
  for (const path of [graph, otherGraph]) await writeFile(path, JSON.stringify(entity))
  return { files, graph, otherGraph }
}
