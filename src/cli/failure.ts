/** Anything that was thrown, as words for a person and an exit code. */
import { ConfigError } from '#config/config-error.ts'
import { GatewayError } from '#contract/errors.ts'
import { CliError, type ExitKind } from './exit-codes.ts'

export type Failure = { kind: ExitKind; text: string }

export function toFailure(error: unknown, program: string): Failure {
  if (error instanceof CliError) return { kind: error.kind, text: error.message }
  if (error instanceof ConfigError) return { kind: 'config', text: error.message }
  if (error instanceof GatewayError) return { kind: 'failed', text: describeGatewayError(error) }
  return isSystemError(error) ? toSystemFailure(error, program) : toDefect(error)
}

type SystemError = Error & { code: string; syscall: string; path?: string; address?: string; port?: number }

/** Node's own errors about files and sockets. */
function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string'
}

function toSystemFailure(error: SystemError, program: string): Failure {
  if (error.syscall === 'listen' || error.syscall === 'getaddrinfo') {
    return { kind: 'unavailable', text: describeListenError(error, program) }
  }
  const subject = error.path === undefined ? '' : ` ${error.path}`
  const verb = verbs[error.syscall] ?? error.syscall
  const hint = error.syscall === 'mkdir' ? ' Choose another one with --data-dir.' : ''
  return { kind: 'unavailable', text: `Cannot ${verb}${subject}: ${reasons[error.code] ?? error.code}.${hint}` }
}

const verbs: Readonly<Record<string, string>> = { mkdir: 'make the folder' }
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not do that',
  EPERM: 'this user may not do that',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'something else of that name is there',
  EISDIR: 'it is a folder',
}

function describeListenError({ code, address = '', port }: SystemError, program: string): string {
  const place = port === undefined ? address : `${address.includes(':') ? `[${address}]` : address}:${port}`
  switch (code) {
    case 'EADDRINUSE':
      return [
        `The address ${place} is in use by another program; perhaps Toolgate runs already.`,
        'End that program, or choose another port (0: any free one):',
        '',
        `  ${program} serve --port ${(port ?? 0) + 1}`,
      ].join('\n')
    case 'EACCES':
      return `This user may not listen on ${place}. Ports below 1024 are often reserved; choose another one with --port.`
    case 'EADDRNOTAVAIL':
      return `${address} is no address of this machine. Choose another one with --host, such as 127.0.0.1 or 0.0.0.0.`
    default:
      return `The host cannot be listened on (${code}). Choose another one with --host, such as 127.0.0.1 or 0.0.0.0.`
  }
}

function describeGatewayError({ code, message, details }: GatewayError): string {
  const { reason } = details
  // A key, a database, a variable: the reason says which, and the configuration's file is not where to look.
  if (code === 'config_invalid' && typeof reason === 'string') return reason
  return typeof reason === 'string' ? `${message} (${reason})` : message
}

/** Ours to mend, so all that is known is shown. */
function toDefect(error: unknown): Failure {
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { kind: 'failed', text: `Something went wrong that should not be able to. Please report it:\n${words}` }
}
