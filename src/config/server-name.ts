/** Any name made into a server's name. */
import { ServerName } from '#contract/server.ts'

const charactersMax = 40

/** `taken` has the names that are in use already. */
export function toServerName(name: string, taken: { has(name: string): boolean }): string {
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replaceAll(/_{2,}/g, '_')
    .replace(/^[_-]+/, '')
    .slice(0, charactersMax)
    .replace(/[_-]+$/, '')
  const usable = ServerName.safeParse(slug).success ? slug : `${slug}-server`.replace(/^-/, '').slice(0, charactersMax)
  return firstFree(usable, taken)
}

function firstFree(name: string, taken: { has(name: string): boolean }): string {
  let candidate = name
  for (let number = 2; taken.has(candidate); number += 1) {
    const ending = `-${number}`
    candidate = name.slice(0, charactersMax - ending.length) + ending
  }
  return candidate
}
