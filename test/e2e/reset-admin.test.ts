/** Whoever starts the gateway gets back in, also where nobody ever saw what the first start made. */
import { expect, it } from 'vitest'
import { startProgram, tokenIn } from '../support/cli/run-program.ts'
import { callApi, passwordIn, signIn, startManagedGateway } from '../support/management.ts'

const servers = { gone: { url: 'http://127.0.0.1:9/mcp' } }

it('a lost password and a lost token are made new by a flag each, and the old ones are over', async () => {
  await using first = await startManagedGateway({ servers })
  first.program.child.kill('SIGKILL')
  await first.program.exited
  const restart = (flag: string) => startProgram(['serve', flag], { cwd: first.folder })

  {
    await using program = restart('--reset-admin-password')
    const url = await program.untilUp()
    const banner = program.stdout()
    expect(() => tokenIn(banner)).toThrow('no token')
    await expect(signIn(url, 'admin', first.password)).rejects.toThrow('answered 401')
    const bearer = await signIn(url, 'admin', passwordIn(banner))
    const whoami = (of: string) => callApi(url, { method: 'GET', path: '/whoami', bearer: of })
    expect((await whoami(bearer)).body).toMatchObject({ name: 'admin' })
    expect((await whoami(first.bearer)).status).toBe(401)
    expect((await whoami(first.token)).status).toBe(200)
    const { body } = await callApi(url, { method: 'GET', path: '/audit?action=set_password', bearer })
    expect(JSON.stringify(body)).not.toContain(passwordIn(banner))
  }

  await using program = restart('--reset-admin-token')
  const url = await program.untilUp()
  expect(() => passwordIn(program.stdout())).toThrow('no password')
  const whoami = (of: string) => callApi(url, { method: 'GET', path: '/whoami', bearer: of })
  expect((await whoami(tokenIn(program.stdout()))).status).toBe(200)
  expect((await whoami(first.token)).status).toBe(401)
}, 60_000)
