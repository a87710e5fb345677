/**
 * `npm run build`: `dist/`, or the folder that is named, becomes the package as it is published (`npm pack ./dist`). Everything it needs
 * is bundled, because Node runs no TypeScript below `node_modules`, and because who installs one package has one package to trust.
 */
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import { writeDeclarations } from './declarations.ts'
import { thirdPartyNotices } from './third-party.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = resolve(process.argv[2] ?? join(root, 'dist'))

/** Kept as they are; a link of the README leads to each. */
const copied = [
  'bin/toolgate.js',
  'bin/young-space.js',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'SECURITY.md',
  'docs/examples',
  'docs/guides',
  'docs/operations',
  'docs/reference',
]

/** The Redis client does without it where it is not there. */
const optional = new Set(['@node-rs/xxhash'])

rmSync(target, { recursive: true, force: true })
mkdirSync(target, { recursive: true })
const modules = await bundle()
await writeDeclarations({ root, entry: 'src/index.ts', target: join(target, 'types') })
for (const path of copied) cpSync(join(root, path), join(target, path), { recursive: true })
chmodSync(join(target, 'bin/toolgate.js'), 0o755)
writeFileSync(join(target, 'THIRD-PARTY-NOTICES.txt'), thirdPartyNotices(modules))
writeFileSync(join(target, 'package.json'), `${JSON.stringify(publishedManifest(), null, 2)}\n`)
console.log(
  `${relative('', target)} is the package. To make the file that npm installs: npm pack ./${relative('', target)}`,
)

/** @returns the paths of all modules that went in */
async function bundle(): Promise<string[]> {
  const { output } = await build({
    input: { main: join(root, 'src/main.ts'), index: join(root, 'src/index.ts') },
    platform: 'node',
    output: { dir: join(target, 'lib'), format: 'esm', chunkFileNames: 'chunk-[name]-[hash].js' },
    onLog(level, log) {
      throw new Error(`${level}: ${log.message}`)
    },
  })
  const outside = output.flatMap((part) => (part.type === 'chunk' ? [...part.imports, ...part.dynamicImports] : []))
  const missing = outside.filter((name) => !name.startsWith('node:') && !name.endsWith('.js') && !optional.has(name))
  if (missing.length > 0) throw new Error(`not bundled: ${missing.join(', ')}`)
  return output.flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []))
}

/** The repository's own, for people who install it instead of working on it. */
function publishedManifest(): Record<string, unknown> {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  if (!isJsonObject(manifest)) throw new Error('package.json is no object')
  const { name, version, description, license, type, engines, repository } = manifest
  return {
    name,
    version,
    description,
    license,
    repository,
    type,
    engines,
    bin: { toolgate: 'bin/toolgate.js' },
    exports: { '.': { types: './types/index.d.ts', default: './lib/index.js' }, './package.json': './package.json' },
    // For the types only: the code has its own.
    peerDependencies: { zod: '^4.0.0' },
    peerDependenciesMeta: { zod: { optional: true } },
  }
}
