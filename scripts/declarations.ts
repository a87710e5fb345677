/** Type declarations of the library: what the compiler says of each file, cut down to what the entry reaches. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'

type Declarations = { root: string; /** Below `root`. */ entry: string; target: string }

export async function writeDeclarations({ root, entry, target }: Declarations): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-types-'))
  try {
    const whole = join(folder, 'types')
    const project = join(folder, 'tsconfig.json')
    writeFileSync(project, JSON.stringify(projectFor(root, entry, whole)))
    await compile(join(root, 'node_modules/.bin/tsc'), project)
    for (const [path, text] of reachedFrom('index.d.ts', whole)) {
      mkdirSync(dirname(join(target, path)), { recursive: true })
      writeFileSync(join(target, path), text)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Rejects with what the compiler complains of. */
async function compile(compiler: string, project: string): Promise<void> {
  const failure = await promisify(execFile)(compiler, ['-p', project]).catch((error: unknown) => error)
  if (failure instanceof Error) throw new Error('stdout' in failure ? String(failure.stdout) : failure.message)
}

function projectFor(root: string, entry: string, outDir: string) {
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    outDir,
    rootDir: join(root, dirname(entry)),
    typeRoots: [join(root, 'node_modules/@types')],
  }
  // Beside what the entry reaches: what the sources say of packages without types of their own.
  const ambient = join(root, dirname(entry), 'adapters/*.d.ts')
  return { extends: join(root, 'tsconfig.json'), compilerOptions, include: [ambient], files: [join(root, entry)] }
}

const specifier = /(?<=\bfrom ['"]|\bimport\(['"])[^'"]+(?=['"])/g

/** Path and text of each file, with imports as a reader outside this repository needs them. */
function reachedFrom(entry: string, folder: string): Map<string, string> {
  const reached = new Map<string, string>()
  const queue = [entry]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue
    const from = path
    const text = readFileSync(join(folder, path), 'utf8')
    const rewritten = text.replaceAll(specifier, (name) => {
      const own = ownPath(name, from)
      if (own === null) return name
      queue.push(own.replace(/\.ts$/, '.d.ts'))
      const near = relative(dirname(from), own).replace(/\.ts$/, '.js')
      return near.startsWith('.') ? near : `./${near}`
    })
    reached.set(path, rewritten)
  }
  return reached
}

/** `#room/x.ts` and `./x.ts` as a path below the folder of all declarations; null for packages. */
function ownPath(name: string, from: string): string | null {
  if (name.startsWith('#')) return name.slice(1)
  return name.startsWith('.') ? join(dirname(from), name) : null
}
