/** Gateways as processes of their own, on one PostgreSQL and one Redis. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { startProgram, type Program } from './cli/run-program.ts'
import { lookFor, plant } from './planted.ts'
import { withPlants } from './planted/definitions.ts'
import { startRedis, type TestRedis } from './redis.ts'

export type Replica = { program: Program; url: string }

export const redisPassword = plant('redis-password')
const masterKey = Buffer.alloc(32, 7).toString('base64')
lookFor(masterKey)

/**
 * `start` starts one more. All that there is ends with `opened`.
 * @param postgres an empty database
 * @param server the address of the one that they offer, as `one`
 * @param more of its definition
 */
export async function openReplicas(
  opened: AsyncDisposableStack,
  { postgres, server, more = {} }: { postgres: string; server: string; more?: object },
): Promise<{ redis: TestRedis; start: () => Promise<Replica> }> {
  const redis = opened.use(await startRedis({ isWatched: true }))
  // No more than docs/operations/replicas.md asks for.
  const rights = '~toolgate:* &toolgate:* +@read +@write +@scripting +@pubsub +@connection +time'
  assert.equal(await redis.ask(`ACL SETUSER gateway on >${redisPassword} ${rights}`), 'OK')
  const config = stringify(
    withPlants({
      listen: { port: 0 },
      servers: { one: { url: server, ...more } },
      policies: { everything: { default: 'execute' } },
      storage: { postgres, redis: redis.url.replace('//', `//gateway:${redisPassword}@`) },
    }),
  )
  const start = async (): Promise<Replica> => {
    const folder = await mkdtemp(join(tmpdir(), 'toolgate-replica-'))
    opened.defer(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, 'toolgate.yaml'), config)
    const env = { TOOLGATE_SECRET_KEY: masterKey }
    const program = opened.use(startProgram(['serve'], { cwd: folder, env }))
    return { program, url: await program.untilUp() }
  }
  return { redis, start }
}
