/** The start of a clone: what Node loads for it, and what stays in memory. Node's list of loaded modules is the measure. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startProgram } from '../support/cli/run-program.ts'

const root = new URL('../..', import.meta.url).pathname
const run = promisify(execFile)

/** What takes the types off the sources; 28 MB once it was used. */
const typeCompiler = 'internal/deps/amaro/dist/index'
/** The built-in `fetch`; 4 MB of live heap. */
const builtInFetch = 'internal/deps/undici/undici'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'toolgate-start-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the first start from source', () => {
  it('loads neither the compiler nor the built-in fetch into the gateway', async () => {
    const tell = `process.on('exit', () => console.error(process.moduleLoadList.join('\\n')))`
    const env = {
      NODE_COMPILE_CACHE: join(folder, 'cache'),
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(tell)}`,
    }
    await using program = startProgram(['--port', '0'], { cwd: folder, main: join(root, 'bin/toolgate.js'), env })
    await program.untilUp()
    program.child.kill('SIGTERM')
    await program.exited
    const loaded = program.stderr().split('\n')
    expect(loaded).toContain('NativeModule http')
    expect(loaded).not.toContain(`NativeModule ${typeCompiler}`)
    expect(loaded).not.toContain(`NativeModule ${builtInFetch}`)
  })
})

describe('a clone', () => {
  const main = (word: string): string => `
    import { basename } from 'node:path'
    const word: string = basename('${word}')
    console.log(word, process.moduleLoadList.includes('NativeModule ${typeCompiler}'))
  `
  const start = async (env: Record<string, string> = {}): Promise<string> => {
    const { stdout } = await run(process.execPath, [join(folder, 'bin/toolgate.js')], { cwd: folder, env })
    return stdout.trim()
  }

  beforeEach(async () => {
    await cp(join(root, 'bin'), join(folder, 'bin'), { recursive: true })
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await mkdir(join(folder, 'src'))
    await writeFile(join(folder, 'src/main.ts'), main('first'))
  })

  it('is compiled elsewhere at its first start, and again when a source has changed', async () => {
    expect(await start()).toBe('first false')
    expect(await start()).toBe('first false')
    await writeFile(join(folder, 'src/main.ts'), main('second'))
    expect(await start()).toBe('second false')
  })

  it(
    'that serves is compiled in two parts: what it starts with, and the rest while it runs',
    { timeout: 60_000 },
    async () => {
      const cache = join(folder, 'node_modules/.cache/toolgate')
      const isWhole = async (): Promise<boolean> => {
        const [found] = (await readdir(cache, { recursive: true }).catch(() => [])).filter((path) =>
          path.endsWith('.txt'),
        )
        return found !== undefined && (await readFile(join(cache, found), 'utf8')) !== ''
      }
      await writeFile(join(folder, 'src/other.ts'), main('other'))
      await writeFile(
        join(folder, 'src/main.ts'),
        `import { basename } from 'node:path'
      const later: string = basename(process.env['LATER'] ?? '')
      if (later) await import('./other.ts')
      else setInterval(() => {}, 1_000)`,
      )
      const serving = execFile(process.execPath, [join(folder, 'bin/toolgate.js')], { cwd: folder })
      try {
        await expect.poll(isWhole, { timeout: 30_000 }).toBe(true)
      } finally {
        serving.kill()
      }
      await expect.poll(() => start({ LATER: '1' }), { timeout: 30_000, interval: 500 }).toBe('other false')
    },
  )

  it('is not held up by a source that never comes to its end', async () => {
    await writeFile(join(folder, 'src/endless.ts'), `setInterval(() => {}, 1_000)`)
    const startedAt = performance.now()
    await run(process.execPath, [join(folder, 'bin/toolgate.js'), '--version'], { cwd: folder })
    expect(performance.now() - startedAt).toBeLessThan(15_000)
  })

  it('starts without a compile cache too', async () => {
    expect(await start({ NODE_DISABLE_COMPILE_CACHE: '1' })).toBe('first true')
    // A file, where a folder is needed.
    await writeFile(join(folder, 'node_modules'), '')
    expect(await start()).toBe('first true')
  })

  it('runs nothing when it is compiled', async () => {
    await writeFile(
      join(folder, 'src/other.ts'),
      `import { writeFileSync } from 'node:fs'\nwriteFileSync('was-run', '')`,
    )
    await start()
    expect(await readdir(folder)).not.toContain('was-run')
  })

  it('that is broken fails with the words of the compiler, at every start', async () => {
    await writeFile(join(folder, 'src/main.ts'), 'const word: = 1')
    await expect(start()).rejects.toMatchObject({ stderr: expect.stringContaining('main.ts:1') })
    await expect(start()).rejects.toMatchObject({ stderr: expect.stringContaining('main.ts:1') })
  })
})
