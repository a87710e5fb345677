import { setTimeout as sleep } from 'node:timers/promises'

import { GatewayError } from '#contract/errors.ts'
import { isNestedTooDeeply } from '#core/protocol/scan.ts'
import type { Channel, ChannelEnd, ChannelEvents } from '#core/upstream/channel-wire.ts'

import type { Diagnosis } from './diagnosis.ts'
import { createLineReader } from './line-reader.ts'
import { createLineWriter } from './line-writer.ts'
import type { LineWriter } from './line-writer.ts'
import { signalGroup, waitUntilGroupIsGone } from './process-group.ts'
import type { RunningChild } from './start-child.ts'
import type { Guard } from './watchdog.ts'

/** Banners and stray prints are common; a child that says nothing else is no MCP server. */
const strayLinesInARowMax = 100

/** What may wait for a child that does not read. */
const pendingBytesMax = 8 * 1024 * 1024

/** After SIGKILL: a big process takes a moment to be torn down; one in uninterruptible sleep must not hold up a shutdown. */
const reapTimeoutMs = 5000

/** After SIGKILL: orphans are reaped by process 1, at its own pace (or never, where that is no real init). */
const orphansTimeoutMs = 1000

/** A process that left the group may hold the output open for ever; what is buffered arrives well within this. */
const drainTimeoutMs = 500

export type ChildChannelOptions = {
  child: RunningChild
  guard: Guard
  events: ChannelEvents
  diagnosis: Diagnosis
  messageBytesMax: number
  stopGraceMs: number
}

/** One running child, its messages, and its end: whoever ends it and however, its whole group is gone afterwards. */
export class ChildChannel implements Channel {
  readonly #options: ChildChannelOptions
  readonly #writer: LineWriter
  readonly #exited: Promise<unknown>
  readonly #drained: Promise<unknown>
  #end: ChannelEnd | null = null
  #over: Promise<void> | null = null
  #hasSignalled = false
  #strayLineCount = 0

  constructor(options: ChildChannelOptions) {
    const { child, diagnosis, messageBytesMax } = options
    this.#options = options
    this.#writer = createLineWriter(child.stdin, { pendingBytesMax })
    this.#exited = new Promise((resolve) => void child.once('exit', resolve))
    this.#drained = new Promise((resolve) => void child.once('close', resolve))
    const reader = createLineReader({
      lineBytesMax: messageBytesMax,
      onLine: (line) => this.#receive(line),
      onOverflow: () => this.#finish({ kind: 'too_large', text: 'The process sent a line over the size limit.' }),
    })
    child.on('error', () => {})
    child.stdin.on('error', () => this.#finish({ kind: 'lost', text: 'The process closed its input.' }))
    child.stdout.on('error', () => {})
    child.stdout.on('data', (chunk: Buffer) => reader.push(chunk))
    child.stdout.once('end', () => {
      reader.end()
      this.#finish({ kind: 'lost', text: 'The process closed its output.' })
    })
    child.stderr.on('error', () => {})
    child.stderr.on('data', (chunk: Buffer) => diagnosis.write(chunk))
    child.once('exit', () => this.#onExit())
  }

  send(text: string): Promise<void> {
    if (this.#end !== null) return Promise.reject(new GatewayError('upstream_closed'))
    if (this.#writer.add(text)) return Promise.resolve()
    return Promise.reject(new GatewayError('upstream_closed', { details: { reason: 'backlog_full' } }))
  }

  async close(): Promise<void> {
    this.#finish({ kind: 'closed', text: 'The gateway closed the channel.' })
    await this.#over
  }

  #receive(line: string): void {
    if (this.#end && isMisdeed(this.#end)) return
    let message: unknown
    try {
      message = JSON.parse(line)
    } catch {
      return this.#receiveStray(line)
    }
    if (isNestedTooDeeply(line)) {
      return this.#finish({ kind: 'garbage', text: 'The process sent a message that is nested too deeply.' })
    }
    this.#strayLineCount = 0
    this.#options.events.message(message)
  }

  #receiveStray(line: string): void {
    if (line.trim() === '') return
    this.#options.diagnosis.writeStrayLine(line)
    this.#strayLineCount += 1
    if (this.#strayLineCount > strayLinesInARowMax) {
      this.#finish({ kind: 'garbage', text: 'The process sends lines that are not JSON.' })
    }
  }

  #onExit(): void {
    // On close the rest of the group has the same grace as its leader; otherwise nobody waits for it.
    if (this.#end?.kind !== 'closed') signalGroup(this.#options.child.pid, 'SIGKILL')
    this.#finish({ kind: 'lost', text: 'The process ended.' })
  }

  /** The first reason wins. */
  #finish(end: ChannelEnd): void {
    if (this.#end !== null) return
    this.#end = end
    this.#over = this.#tearDown(end)
  }

  async #tearDown(end: ChannelEnd): Promise<void> {
    const { child, guard, events } = this.#options
    if (isMisdeed(end)) child.stdout.destroy()
    // Never a signal to a group that was seen to be gone: its id may be another's by now.
    const hasLeft = !isMisdeed(end) && (await this.#askToLeave())
    if (!hasLeft) this.#signal('SIGKILL')
    await settlesWithin(this.#exited, reapTimeoutMs)
    if (!hasLeft) await waitUntilGroupIsGone(child.pid, orphansTimeoutMs)
    if (!(await settlesWithin(this.#drained, drainTimeoutMs))) {
      child.stdout.destroy()
      child.stderr.destroy()
    }
    const isOwnDeath = end.kind === 'lost' && !this.#hasSignalled
    events.closed(isOwnDeath ? { kind: 'lost', text: describeExit(child) } : end)
    await guard.release()
  }

  /**
   * MCP 2025-11-25, basic/lifecycle, "Shutdown": close its input, wait, terminate, wait; killing is left to the caller.
   * @returns true when the whole group has left
   */
  async #askToLeave(): Promise<boolean> {
    const { child, stopGraceMs } = this.#options
    this.#writer.end()
    if (await waitUntilGroupIsGone(child.pid, stopGraceMs)) return true
    this.#signal('SIGTERM')
    return waitUntilGroupIsGone(child.pid, stopGraceMs)
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { child } = this.#options
    this.#hasSignalled ||= child.exitCode === null && child.signalCode === null
    signalGroup(child.pid, signal)
  }
}

function describeExit(child: RunningChild): string {
  if (child.signalCode !== null) return `The process was ended by ${child.signalCode}.`
  return `The process exited with code ${child.exitCode ?? 'unknown'}.`
}

async function settlesWithin(event: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController()
  const isLate = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false)
  const settled = await Promise.race([event.then(() => true), isLate])
  timer.abort()
  return settled
}

/** What it sends from now on is not read. */
function isMisdeed({ kind }: ChannelEnd): boolean {
  return kind === 'garbage' || kind === 'too_large'
}
