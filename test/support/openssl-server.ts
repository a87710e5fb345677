/** A TLS server of OpenSSL, which says with an alert what it does not take; Node's own closes without a word. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Certified } from './certificates.ts'

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0

export type OpensslServer = { url: string; close(): Promise<void> }

/** Asks every client for a certificate of this authority. */
export async function startOpensslServer(
  own: Certified,
  { clientAuthority, version }: { clientAuthority: string; version: 'tls1_2' | 'tls1_3' },
): Promise<OpensslServer> {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-openssl-'))
  const write = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const files = ['-cert', write('own.pem', own.certificate), '-key', write('own.key', own.key)]
  const demands = ['-CAfile', write('clients.pem', clientAuthority), '-Verify', '2', '-verify_return_error']
  const args = ['s_server', '-accept', '127.0.0.1:0', ...files, ...demands, '-www', `-${version}`]
  const child = spawn('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const exited = once(child, 'exit')
  const close = async (): Promise<void> => {
    child.kill()
    await exited
    rmSync(folder, { recursive: true })
  }
  for await (const line of createInterface(child.stdout)) {
    const address = /^ACCEPT (?<address>\S+)$/.exec(line)?.groups?.['address']
    if (address === undefined) continue
    child.stdout.resume()
    return { url: `https://${address}/mcp`, close }
  }
  await close()
  throw new Error('openssl did not listen')
}
