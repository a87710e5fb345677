/** Starts the gateway that a run of auth scenarios shares. */
import { passwordIn, signIn } from '#test/support/management.ts'
import { until } from '#test/support/until.ts'
import type { Site } from './auth-person.ts'
import { startServing } from './gateway.ts'

const config = {
  // The suite's servers are on this machine, where a stored server may not lead by itself.
  egress: { allow: ['127.0.0.0/8', '::1/128'] },
  policies: { all: { default: 'execute' } },
}

export async function startSite(): Promise<Site & AsyncDisposable> {
  await using starting = new AsyncDisposableStack()
  const serving = starting.use(await startServing({ config, isGroupLeader: true }))
  await until('the password of the first admin', () => serving.output().includes('with the password '))
  const bearer = await signIn(serving.origin, 'admin', passwordIn(serving.output()))
  const started = starting.move()
  return { url: serving.origin, bearer, [Symbol.asyncDispose]: () => started.disposeAsync() }
}
