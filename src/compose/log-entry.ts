/** An entry of the log as a person reads it: a line that says when, how bad and what, then texts of several lines below it. */
import { styleText } from 'node:util'
import { levels } from 'pino'
import { isJsonObject } from '#core/protocol/json-rpc.ts'

const ownKeys = new Set(['level', 'time', 'msg', 'pid', 'hostname'])
const levelWidth = 5
const warnLevel = 40
const errorLevel = 50

/** @param entry as pino wrote it. Its texts may be a server's own, so none of them reaches the terminal as a command. */
export function formatLogEntry(entry: Record<string, unknown>, { hasColors }: { hasColors: boolean }): string {
  const facts = Object.entries(entry).flatMap(([name, value]) => (ownKeys.has(name) ? [] : toFacts(name, value)))
  const time = new Date(Number(entry['time'])).toTimeString().slice(0, 8)
  const what = `${time} ${toLevel(Number(entry['level']), hasColors)} ${disarm(String(entry['msg']))}`
  const short = facts
    .filter(({ text }) => !text.includes('\n'))
    .map(({ name, text }) => `${disarm(name)}=${quote(text)}`)
  const long = facts.filter(({ text }) => text.includes('\n')).flatMap(({ text }) => text.trimEnd().split('\n'))
  const head = short.length === 0 ? what : `${what}  ${short.join(' ')}`
  return [head, ...long.map((line) => `    ${disarm(line.trimEnd())}`), ''].join('\n')
}

type Fact = { name: string; text: string }

function toFacts(name: string, value: unknown): Fact[] {
  if (value === null || value === '') return []
  if (Array.isArray(value)) return toFacts(name, value.map(toText).join(','))
  if (!isJsonObject(value)) return [{ name, text: toText(value) }]
  // A stack begins with the error's name and message.
  if (typeof value['stack'] === 'string') return [{ name, text: `${value['stack']}\n` }]
  return Object.entries(value).flatMap(([key, part]) => toFacts(`${name}.${key}`, part))
}

const toText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

function toLevel(level: number, hasColors: boolean): string {
  const word = levels.labels[level] ?? String(level)
  const space = ' '.repeat(Math.max(0, levelWidth - word.length))
  if (!hasColors || level < warnLevel) return word + space
  return styleText(level < errorLevel ? 'yellow' : 'red', word, { validateStream: false }) + space
}

function quote(text: string): string {
  return /[^\w.:/@,+-]/.test(text) ? `"${disarm(text)}"` : text
}

/** Control characters, and those that turn the direction of writing, by their number. */
function disarm(text: string): string {
  return text.replaceAll(
    /(?!\t)[\p{Cc}\p{Cf}]/gu,
    (one) => `\\u${(one.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
