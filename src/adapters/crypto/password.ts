/**
 * Passwords as Argon2id (RFC 9106), with the parameters that OWASP advises: 19 MiB, two passes, one lane. Hashes are PHC texts:
 * `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`, both base64 without padding.
 */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { GatewayError } from '#contract/errors.ts'
import type { PasswordHasher } from '#core/identity/password-hasher.ts'

const derive = promisify(argon2)

type Cost = { memory: number; passes: number; parallelism: number }
type Parsed = { cost: Cost; salt: Buffer; tag: Buffer }

const cost: Cost = { memory: 19_456, passes: 2, parallelism: 1 }
const saltBytes = 16
const tagBytes = 32

/** Verified where there is no hash, so that it takes as long; its tag is none that any password has. */
const nobody: Parsed = { cost, salt: Buffer.alloc(saltBytes), tag: Buffer.alloc(tagBytes) }

/** Memory is held while a hash is made: so many at once, so many wait, the rest is sent away. */
export type PasswordHasherLimits = { underWayMax: number; waitingMax: number }

export function createArgon2PasswordHasher(
  { underWayMax, waitingMax }: PasswordHasherLimits = { underWayMax: 4, waitingMax: 64 },
): PasswordHasher {
  const waiting: (() => void)[] = []
  let underWay = 0

  async function inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    if (underWay >= underWayMax) {
      if (waiting.length >= waitingMax) throw new GatewayError('rate_limited', { details: { limit: 'passwords' } })
      // Whoever ends hands its place on.
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else underWay++
    try {
      return await run()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else underWay--
    }
  }

  return {
    hash: (password) =>
      inTurn(async () => {
        const salt = randomBytes(saltBytes)
        return format({ cost, salt, tag: await toTag(password, { cost, salt }, tagBytes) })
      }),
    verify: (password, hash) =>
      inTurn(async () => {
        const { tag, ...made } = hash === null ? nobody : parse(hash)
        const isEqual = timingSafeEqual(await toTag(password, made, tag.length), tag)
        return isEqual && hash !== null
      }),
  }
}

/** RFC 8265 §4.2: one text however its letters were composed. */
async function toTag(password: string, { cost, salt }: Omit<Parsed, 'tag'>, tagLength: number): Promise<Buffer> {
  return derive('argon2id', { message: password.normalize('NFC'), nonce: salt, tagLength, ...cost })
}

function format({ cost: { memory, passes, parallelism }, salt, tag }: Parsed): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${toText(salt)}$${toText(tag)}`
}

const phc = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/

/** Our own and those that were brought along from elsewhere. A hash that is none is a defect of the store, not a wrong password. */
function parse(hash: string): Parsed {
  const [, memory, passes, parallelism, salt, tag] = phc.exec(hash) ?? []
  if (salt === undefined || tag === undefined) throw new Error('the stored password hash cannot be read')
  return {
    cost: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}

function toText(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
