/**
 * A house of a few files in a temporary folder, under the real configuration of every gate.
 * Tests plant breaches in it and run the gates as `npm run check` does.
 */
import { execFile } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../../..', import.meta.url))
const configuration = ['.oxlintrc.json', '.oxfmtrc.json', 'knip.json', 'tsconfig.json', 'package.json']
const runMsMax = 20_000

export type GateRun = { code: number; output: string }

export interface PlantedHouse extends Disposable {
  readonly root: string
  write(path: string, text: string): void
  writeProgram(path: string, text: string): void
  /** Runs a program of the repository's `node_modules/.bin`, or of the machine. Both of its outputs are kept together. */
  run(program: string, ...args: string[]): Promise<GateRun>
  /** Runs one npm script, as it stands in package.json. */
  runScript(name: string): Promise<GateRun>
}

export function plantHouse(files: Readonly<Record<string, string>>): PlantedHouse {
  // The packages lie beside the house and not in it: a linter that walks a linked folder would read all of them.
  const plot = mkdtempSync(join(tmpdir(), 'toolgate-gates-'))
  const root = join(plot, 'house')
  mkdirSync(root)
  symlinkSync(join(repository, 'node_modules'), join(plot, 'node_modules'))
  for (const name of configuration) copyFileSync(join(repository, name), join(root, name))

  const house: PlantedHouse = {
    root,
    write(path, text) {
      const target = join(root, path)
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, text)
    },
    writeProgram(path, text) {
      house.write(path, text)
      chmodSync(join(root, path), 0o755)
    },
    run: (program, ...args) => runIn(root, program, args),
    runScript: (name) => runIn(root, '/bin/sh', ['-c', scriptText(name)]),
    [Symbol.dispose]: () => rmSync(plot, { recursive: true, force: true }),
  }
  for (const [path, text] of Object.entries(files)) house.write(path, text)
  return house
}

/** The text of a repository file, for gates that must be tried on the real thing. */
export function repositoryFile(path: string): string {
  return readFileSync(join(repository, path), 'utf8')
}

function scriptText(name: string): string {
  const { scripts } = JSON.parse(repositoryFile('package.json')) as { scripts: Record<string, string> }
  const text = scripts[name]
  if (text === undefined) throw new Error(`package.json has no script ${name}`)
  return text
}

function runIn(root: string, file: string, args: readonly string[]): Promise<GateRun> {
  const env = {
    ...process.env,
    PATH: `${join(repository, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`,
    NO_COLOR: '1',
  }
  return new Promise((resolve) => {
    execFile(file, [...args], { cwd: root, env, timeout: runMsMax }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({ code, output: `${stdout}${stderr}` })
    })
  })
}
