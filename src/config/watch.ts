/** Hot reload: whoever edits the file, and however, a good edit is handed on and a bad one is only reported. */
import { unwatchFile, watch, watchFile } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { loadConfig } from './load.ts'
import { provenanceOf, sha256Hex } from './loaded-config.ts'
import type { LoadedConfig } from './loaded-config.ts'
import { noSuchFile, readConfigText, unusable } from './read-text.ts'
import type { Environment } from './substitute.ts'

/** An editor's save is several events. */
const debounceMs = 100
const pollMsDefault = 2_000

export type WatchOptions = {
  readonly path: string
  readonly env: Environment
  /** The content is another one than before, and good. Also after a broken edit was taken back. */
  readonly onChange: (config: LoadedConfig) => void
  /** A broken edit, a file that is gone or empty: what was loaded before stays. Also what `onChange` throws. */
  readonly onError: (error: Error) => void
  /** How often to look where the system reports nothing (network drives, links to other folders). Default: 2000. */
  readonly pollMs?: number
  /** What is in use now; null: there was no file. Default: the file's content at this moment. */
  readonly current?: LoadedConfig | null
}

/** Keeps no process alive. After `close` nothing is called any more. */
export function watchConfig(options: WatchOptions): { close(): void } {
  const path = resolve(options.path)
  let seen = markOf(options.current, path)
  let timer: NodeJS.Timeout | undefined

  const check = (): void => {
    const sight = look(path)
    if (sight.mark === seen) return
    seen = sight.mark
    try {
      options.onChange(loadConfig({ path: options.path, text: usableText(sight, options.path), env: options.env }))
    } catch (error) {
      options.onError(error instanceof Error ? error : new Error('The configuration could not be applied.'))
    }
  }
  const schedule = (): void => {
    clearTimeout(timer)
    timer = setTimeout(check, debounceMs).unref()
  }
  const watcher = watchFolder(path, schedule)
  watchFile(path, { persistent: false, interval: options.pollMs ?? pollMsDefault }, schedule)
  // Whatever changed between loading and watching.
  schedule()
  return {
    close() {
      clearTimeout(timer)
      watcher?.close()
      unwatchFile(path, schedule)
    },
  }
}

/** `mark` is the same for the same content, or for the same reason why there is none. */
type Sight = { readonly mark: string; readonly text: string } | { readonly mark: string; readonly error: unknown }

function markOf(current: WatchOptions['current'], path: string): string {
  if (current === null) return String(noSuchFile(path))
  return current === undefined ? look(path).mark : provenanceOf(current).contentHash
}

function look(path: string): Sight {
  try {
    const text = readConfigText(path)
    return { mark: sha256Hex(text), text }
  } catch (error) {
    return { mark: String(error), error }
  }
}

/** A file that is being rewritten is empty for a moment, and "no servers, no tokens" is nobody's edit. */
function usableText(sight: Sight, path: string): string {
  if ('error' in sight) throw sight.error
  if (sight.text.trim() === '') throw unusable(path, 'is empty; the configuration before stays in use')
  return sight.text
}

/**
 * The folder, because a file that is replaced by renaming takes its watch with it. Kubernetes swaps a link named `..data`
 * beside the file. Null where the system cannot watch: the poll is left.
 */
function watchFolder(path: string, onEvent: () => void): FSWatcher | null {
  const name = basename(path)
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_, changed) => {
      if (changed === null || changed === name || changed.startsWith('..')) onEvent()
    })
    return watcher.on('error', () => watcher.close())
  } catch {
    return null
  }
}
