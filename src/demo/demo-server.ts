/** A tiny MCP server over stdio, without dependencies: what a gateway serves when nothing else is there. */
import type { Readable, Writable } from 'node:stream'
import type { RpcResponse } from '#core/protocol/json-rpc.ts'
import { answerDemo, type DemoFacts } from './demo-protocol.ts'

const lineCharsMax = 1_048_576

/** Serves until its input ends, or sends a line over 1 MiB. */
export async function runDemoServer(streams: { input: Readable; output: Writable }, facts: DemoFacts): Promise<void> {
  let held = ''
  for await (const chunk of streams.input.setEncoding('utf8')) {
    const lines = (held + String(chunk)).split('\n')
    held = lines.pop() ?? ''
    for (const line of lines) answerLine(line, streams.output, facts)
    if (held.length > lineCharsMax) return
  }
}

function answerLine(line: string, output: Writable, facts: DemoFacts): void {
  if (line.trim() === '') return
  const answer = answerText(line, facts)
  if (answer !== null) output.write(`${JSON.stringify(answer)}\n`)
}

function answerText(line: string, facts: DemoFacts): RpcResponse | null {
  let message: unknown
  try {
    message = JSON.parse(line)
  } catch {
    return { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'This is not valid JSON.' } }
  }
  return answerDemo(message, facts)
}
