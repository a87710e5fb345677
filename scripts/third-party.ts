/** The licences of the packages whose code is in the bundle: their terms want them to travel along. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isJsonObject } from '#core/protocol/json-rpc.ts'

/** @param modules paths of all modules of the bundle. Throws where a package has no licence. */
export function thirdPartyNotices(modules: readonly string[]): string {
  const folders = new Set(modules.flatMap((path) => packageFolder(path) ?? []))
  if (folders.size === 0) throw new Error('no package was found in the bundle')
  const notices = [...folders].toSorted().map(noticeOf)
  return ['Toolgate contains code of these packages.', ...notices].join(`\n\n${'-'.repeat(80)}\n\n`)
}

/** The folder of the innermost package that a path lies in. */
function packageFolder(path: string): string | null {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path.replace(/^\0/, ''))?.[0] ?? null
}

function noticeOf(folder: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const { name, version, license } = isJsonObject(manifest) ? manifest : {}
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  if (license === undefined && file === undefined) throw new Error(`${folder} has no licence`)
  const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8')
  return `${String(name)} ${String(version)} (${typeof license === 'string' ? license : 'see below'})\n\n${text.trim()}`.trimEnd()
}
