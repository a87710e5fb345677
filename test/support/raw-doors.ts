/** Every way in, behind one face: raw text goes in, and the answer to it comes out. */
import {
  handshake,
  modernHeaders,
  openLegacy,
  openSse,
  openWebSocket,
  parseMessage,
  post,
  type CallerOptions,
  type ChannelPeer,
} from './raw-client.ts'
import type { RawGateway } from './raw-gateway.ts'
import { parseJson, type Json } from './raw-http.ts'

/** `status` is null on channels, which have none. */
export type DoorAnswer = { status: number | null; message: Json }

export type OpenDoor = {
  /** Sends text as it is; resolves with what is answered to it. */
  send(text: string): Promise<DoorAnswer>
  close(): void
}

export type DoorOptions = CallerOptions & { revision?: string; capabilities?: Json }

export type Door = {
  name: string
  era: 'legacy' | 'modern'
  isChannel: boolean
  open(gateway: RawGateway, options?: DoorOptions): Promise<OpenDoor>
}

const legacyHttp: Door = {
  name: 'HTTP, legacy',
  era: 'legacy',
  isChannel: false,
  async open(gateway, options = {}) {
    const client = await openLegacy(gateway, options)
    return {
      async send(text) {
        const answer = await client.post(text)
        return { status: answer.status, message: parseMessage(answer.text) }
      },
      close: () => undefined,
    }
  },
}

const modernHttp: Door = {
  name: 'HTTP, modern',
  era: 'modern',
  isChannel: false,
  open: (gateway, options = {}) =>
    Promise.resolve({
      async send(text) {
        const answer = await post(gateway, text, { ...options, headers: headersFor(text) })
        return { status: answer.status, message: parseMessage(answer.text) }
      },
      close: () => undefined,
    }),
}

/** The headers that mirror the text, as far as it has something to mirror. */
function headersFor(text: string): Record<string, string> {
  const message = parseJson(text)
  const { method } = message
  return typeof method === 'string' ? modernHeaders(message) : { 'mcp-protocol-version': '2026-07-28' }
}

function toOpenDoor(peer: ChannelPeer): OpenDoor {
  return {
    async send(text) {
      const before = peer.all.length
      const next = peer.message((message) => peer.all.indexOf(message) >= before)
      await peer.send(text)
      return { status: null, message: await next }
    },
    close: () => peer.close(),
  }
}

const sse: Door = {
  name: 'SSE',
  era: 'legacy',
  isChannel: true,
  async open(gateway, { revision, capabilities, path = '/mcp', ...options } = {}) {
    const peer = await openSse(gateway, { ...options, path: `${path}/sse` })
    await handshake(peer, revision, capabilities)
    return toOpenDoor(peer)
  },
}

const legacyWebSocket: Door = {
  name: 'WebSocket, legacy',
  era: 'legacy',
  isChannel: true,
  async open(gateway, { revision, capabilities, path = '/mcp', ...options } = {}) {
    const peer = await openWebSocket(gateway, { ...options, path: `${path}/ws` })
    await handshake(peer, revision, capabilities)
    return toOpenDoor(peer)
  },
}

const modernWebSocket: Door = {
  name: 'WebSocket, modern',
  era: 'modern',
  isChannel: true,
  open: async (gateway, { path = '/mcp', ...options } = {}) =>
    toOpenDoor(await openWebSocket(gateway, { ...options, path: `${path}/ws` })),
}

export const doors: readonly Door[] = [legacyHttp, modernHttp, sse, legacyWebSocket, modernWebSocket]
export const legacyDoors = doors.filter(({ era }) => era === 'legacy')
