/** How a server is reached or started, and what goes with every request to it. */
import { z } from 'zod'
import { Credential, Tls } from './credential.ts'
import { HeaderName, HeaderValue } from './header-text.ts'
import { secretText } from './secret-text.ts'

/** RFC 6265 §4.1.1. */
const CookieName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$/, 'is not a valid name of a cookie')

const Cookies = z
  .strictObject({
    names: z
      .array(CookieName)
      .max(100)
      .default([])
      .describe('Cookies by name. `*`: every one, only where the server is of the same site as the gateway.'),
    prefix: CookieName.describe('And those whose names start with this.').optional(),
  })
  .meta({ id: 'Cookies', description: 'Which of the caller’s cookies go to the server.' })

const Variable = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^[A-Za-z_][A-Za-z0-9_]{0,63}$/,
        'use letters, digits and _, not starting with a digit, at most 64 characters',
      )
      .describe('Written as `${NAME}` in headers, and in the path and query of the address.'),
    scope: z
      .enum(['global', 'user'])
      .default('user')
      .describe('`global`: one value for all, given here. `user`: each user gives its own.'),
    value: secretText(HeaderValue).describe('Of a global one.').optional(),
    description: z.string().max(2_000).describe('For people; at most 2000 characters.').optional(),
    isRequired: z.boolean().default(true).describe('Without a value for it no call goes out; else it is empty.'),
  })
  .meta({ id: 'Variable', description: 'A value that the address or the headers of a server hold.' })
export type Variable = z.infer<typeof Variable>

const remote = {
  url: z.url().describe('The address of the MCP endpoint.'),
  credential: Credential.default({ kind: 'none' }),
  headers: z
    .record(HeaderName, secretText(HeaderValue))
    .describe('Static headers, sent with every request.')
    .default({}),
  forwardHeaders: z
    .array(HeaderName)
    .max(100)
    .describe('Headers of the caller’s request that go to the server. Never who the caller is.')
    .default([]),
  cookies: Cookies.optional(),
  variables: z.array(Variable).max(100).describe('What `${NAME}` stands for, in headers and address.').default([]),
  tls: Tls.optional(),
}

/** A program's arguments and variables end at the first NUL, and the system refuses to start it. */
const ProcessText = z.string().regex(/^[^\0]*$/, 'must not contain a NUL character')
const EnvironmentName = z.string().regex(/^[^=\s\0]+$/, 'is not a valid name of an environment variable')

export const HttpTransport = z.strictObject({
  kind: z.literal('streamable_http'),
  ...remote,
  url: z.url({ protocol: /^https?$/ }).describe('The address of the MCP endpoint.'),
})
const SseTransport = z.strictObject({ kind: z.literal('sse'), ...remote, url: z.url({ protocol: /^https?$/ }) })
const WebSocketTransport = z.strictObject({
  kind: z.literal('websocket'),
  ...remote,
  url: z.url({ protocol: /^wss?$/ }),
})
export const StdioTransport = z.strictObject({
  kind: z.literal('stdio'),
  command: ProcessText.min(1).describe('The program. It is started without a shell.'),
  args: z.array(ProcessText).describe('Its arguments, one entry each.').default([]),
  env: z
    .record(EnvironmentName, secretText(ProcessText))
    .describe('Added to the few variables that every child gets.')
    .default({}),
  cwd: ProcessText.min(1).describe('Working directory. Default: the gateway’s.').optional(),
})

export const Transport = z.discriminatedUnion('kind', [HttpTransport, SseTransport, WebSocketTransport, StdioTransport])
export type Transport = z.infer<typeof Transport>
