/**
 * For a platform's harness adapter: keeps the tokens of its sessions in memory, and gives one to the shim of that session, at the moment of
 * a call. So no token stands in a file, in a command line or in an environment.
 */
import { lstatSync, statSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import type { HarnessSession } from '#contract/session.ts'
import { ShimQuestion, shimQuestionCharsMax, type ShimAnswer, type ShimPlace } from '#contract/session-socket.ts'

export interface SessionSocket extends AsyncDisposable {
  readonly path: string
  /** From now on the session's shims are answered, with what this says. Later words replace earlier ones: a restart has new tokens. */
  put(session: Pick<HarnessSession, 'platform_session_id' | 'mcp_servers'>): void
  /** From now on they are not. */
  delete(sessionId: string): void
}

const connectionsMax = 256
const idleMsMax = 5_000

/**
 * Listens on a Unix socket. Its folder is made where it is missing, for its owner alone.
 * @throws Error where others may enter the folder, or somebody listens there already
 */
export async function openSessionSocket(options: { path: string }): Promise<SessionSocket> {
  const { path } = options
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  checkFolder(dirname(path))
  await removeStale(path)
  const sessions = new Map<string, ReadonlyMap<string, ShimPlace>>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => serve(socket, sessions, sockets))
  server.maxConnections = connectionsMax
  await listen(server, path)
  return {
    path,
    put({ platform_session_id: id, mcp_servers: specs }) {
      sessions.set(id, new Map(specs.map(({ name, url, auth_token: token = null }) => [name, { url, token }])))
    },
    delete(sessionId) {
      sessions.delete(sessionId)
    },
    async [Symbol.asyncDispose]() {
      sessions.clear()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** What may be asked here is worth as much as what it answers: the folder decides who may. */
function checkFolder(folder: string): void {
  const { mode, uid } = statSync(folder)
  const isForeign = process.getuid !== undefined && uid !== process.getuid()
  if (isForeign || (mode & 0o077) !== 0) throw new Error(`The folder ${folder} must be its owner's alone (mode 0700).`)
}

/** A socket that nobody answers at was left by a process that is gone. */
async function removeStale(path: string): Promise<void> {
  const isAlive = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => socket.destroy())
  })
  if (isAlive) throw new Error(`Somebody listens at ${path} already.`)
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false)
    throw new Error(`${path} is there, and is no socket.`)
  await rm(path, { force: true })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

type Sessions = ReadonlyMap<string, ReadonlyMap<string, ShimPlace>>

/** One question, one answer. */
function serve(socket: Socket, sessions: Sessions, sockets: Set<Socket>): void {
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
  socket.on('error', () => socket.destroy())
  socket.setTimeout(idleMsMax, () => socket.destroy())
  let held = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    held += chunk
    const end = held.indexOf('\n')
    if (end !== -1) socket.end(`${JSON.stringify(answer(held.slice(0, end), sessions))}\n`)
    else if (held.length > shimQuestionCharsMax) socket.destroy()
  })
}

function answer(line: string, sessions: Sessions): ShimAnswer {
  const question = parseQuestion(line)
  const servers = question && sessions.get(question.session)
  if (!servers) return { error: 'unknown' }
  if (question.server === undefined) return { servers: [...servers.keys()] }
  return servers.get(question.server) ?? { error: 'unknown' }
}

function parseQuestion(line: string): ShimQuestion | null {
  try {
    return ShimQuestion.parse(JSON.parse(line))
  } catch {
    return null
  }
}
