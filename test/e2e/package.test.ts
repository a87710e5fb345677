/** The package as npm delivers it: installed into an empty folder, without a network and without this repository. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callIn, startProgram } from '../support/cli/run-program.ts'

const root = new URL('../..', import.meta.url).pathname
let folder: string
let home: string

/** With our own Node first, as after `npm ci`. */
const run = (file: string, args: string[], cwd: string) =>
  promisify(execFile)(file, args, {
    cwd,
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, HOME: folder },
  })

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(withoutPackagesAbove(), 'toolgate-package-')))
  home = join(folder, 'home')
  await mkdir(home)
  await run(process.execPath, [join(root, 'scripts/build.ts'), join(folder, 'package')], root)
  await run('npm', ['pack', join(folder, 'package'), '--silent', '--pack-destination', folder], folder)
  const [file = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
  await writeFile(join(home, 'package.json'), '{ "type": "module" }')
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(folder, file)], home)
}, 60_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Node looks for packages in every folder above. */
function withoutPackagesAbove(): string {
  const places = [tmpdir(), '/var/tmp', homedir()]
  return places.find((place) => !existsSync(join(place, 'node_modules'))) ?? tmpdir()
}

const installed = (path: string): string => join(home, 'node_modules/toolgate', path)

describe('the installed package', () => {
  it('needs no other package', async () => {
    const names = (await readdir(join(home, 'node_modules'))).filter((name) => !name.startsWith('.'))
    expect(names).toEqual(['toolgate'])
  })

  it('has a command that knows its version', async () => {
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const { stdout } = await run(join(home, 'node_modules/.bin/toolgate'), ['--version'], home)
    expect(stdout.trim()).toBe(manifest.version)
  })

  it('serves the demo where nothing is configured, and says how to import servers', async () => {
    await mkdir(join(home, '.cursor'))
    await writeFile(join(home, '.cursor/mcp.json'), '{}')
    await using program = startProgram(['--port', '0'], { cwd: home, main: installed('bin/toolgate.js') })
    await program.untilUp()
    expect(program.stdout()).toContain(
      'what your MCP clients have (Cursor):\n\n  toolgate config import --write toolgate.yaml',
    )
    const { stdout } = await run('sh', ['-c', callIn(program.stdout())], home)
    expect(JSON.parse(stdout)).toMatchObject({ result: { content: [{ type: 'text', text: 'hello' }] } })
  })

  it('is a library too', async () => {
    const script = `
      import { createGateway } from 'toolgate'
      await using gateway = createGateway()
      await gateway.registerServer({
        name: 'demo',
        url: process.execPath,
        transport: 'stdio',
        args: [${JSON.stringify(installed('bin/toolgate.js'))}, 'demo-server'],
      })
      console.log(JSON.stringify(await gateway.callTool('demo', 'echo', { message: 'from a program' })))
    `
    await writeFile(join(home, 'program.js'), script)
    const { stdout } = await run(process.execPath, ['program.js'], home)
    expect(stdout).toContain('from a program')
  })

  it('tells the compiler its types', async () => {
    const program = (name: string) =>
      `import { createGateway, type Gateway } from 'toolgate'\nconst gateway: Gateway = createGateway()\nconst done: Promise<void> = gateway.registerServer({ name: ${name}, url: 'x' })\nawait done\n`
    await writeFile(join(home, 'right.ts'), program("'a'"))
    await writeFile(join(home, 'wrong.ts'), program('1'))
    const compilerOptions = {
      module: 'nodenext',
      target: 'esnext',
      lib: ['esnext'],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    }
    await writeFile(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    const checked = await run(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], home).catch((error: unknown) => error)
    const lines = (checked as { stdout: string }).stdout.match(/^\S+: error/gm)
    expect(lines).toEqual([expect.stringMatching(/^wrong\.ts\(3,/)])
  })

  it('brings the licences of what is in it', async () => {
    const notices = await readFile(installed('THIRD-PARTY-NOTICES.txt'), 'utf8')
    for (const name of ['undici', 'zod', 'commander', 'pino', 'kysely', 'ws', 'yaml', 'eventsource-parser']) {
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.`, 'm'))
    }
  })

  it('holds nothing of this machine', async () => {
    const { stdout } = await run('sh', ['-c', `grep -rlF ${JSON.stringify(root)} ${installed('')} || true`], home)
    expect(stdout).toBe('')
  })
})
