// An MCP server over stdio that does what its tool's name says; `RAW_MODE` says how it starts and how it ends.
// Arguments of a tool, where it takes any: `count`, `text`.
// oxlint-disable unicorn/no-process-exit -- how a process dies is what is tested.
const mode = process.env.RAW_MODE ?? ''
const write = (text) => process.stdout.write(`${text}\n`)
const say = (message) => write(JSON.stringify({ jsonrpc: '2.0', ...message }))
const note = (method, params) => say({ method, params })
const waiting = new Map()
let nextAsk = 1

const ask = (method, params) =>
  new Promise((resolve) => {
    const id = `ask-${nextAsk++}`
    waiting.set(id, resolve)
    say({ id, method, params })
  })

const question = (text) => ({ message: text, requestedSchema: { type: 'object', properties: {} } })
const nested = (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`
const answered = (text) => ({ content: [{ type: 'text', text }] })

const tools = {
  echo: ({ text = 'ok' }) => answered(text),
  hang: () => null,
  die: () => process.exit(3),
  pid: () => answered(String(process.pid)),
  env: () => answered(JSON.stringify(process.env)),
  garbage: () => void write('this is { not json'),
  endlessGarbage: () => {
    for (let i = 0; i < 500; i++) write(`garbage ${i}`)
  },
  huge: ({ count = 1_000_000 }) => void write(JSON.stringify({ text: 'x'.repeat(count) })),
  endless: () => {
    const more = () => process.stdout.write('x'.repeat(65_536), more)
    more()
  },
  wrongId: () => void say({ id: 'nobody-asked', result: {} }),
  wrongType: (_args, id) => void say({ id, result: 'a text' }),
  noResult: (_args, id) => void say({ id }),
  array: () => void write('[1, null, "x", [], {}]'),
  deepNote: (_args, id) => {
    write(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":${nested(200_000)}}}`)
    say({ id, result: answered('after') })
  },
  deepAsk: (_args, id) => {
    write(
      `{"jsonrpc":"2.0","id":"deep","method":"elicitation/create","params":{"message":"x","data":${nested(200_000)}}}`,
    )
    say({ id, result: answered('after') })
  },
  deepResult: (_args, id) =>
    void write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":[],"x":${nested(200_000)}}}`),
  notes: ({ count = 10_000 }) => {
    for (let i = 0; i < count; i++) note('notifications/message', { level: 'info', data: `note ${i}` })
    return answered('said')
  },
  strangeProgress: () => {
    note('notifications/progress', { progressToken: 'nobody', progress: 1 })
    note('notifications/progress', { progressToken: { a: 1 }, progress: 1 })
    note('notifications/progress', {})
    return answered('said')
  },
  asks: async ({ count = 10_000 }) => {
    const all = await Promise.all(Array.from({ length: count }, (_, i) => ask('elicitation/create', question(`q${i}`))))
    return answered(`${all.filter((answer) => answer.error).length} of ${all.length} refused`)
  },
  ask: async ({ text = 'who are you?' }) => answered(JSON.stringify(await ask('elicitation/create', question(text)))),
  log: ({ text = 'a log line' }) => {
    note('notifications/message', { level: 'error', data: text })
    return answered('logged')
  },
  /** Says and asks only after it has been told to give up, or after its answer. */
  late: async ({ text = 'late' }) => {
    setTimeout(() => {
      note('notifications/message', { level: 'error', data: text })
      void ask('elicitation/create', question(text))
    }, 80)
    return answered('done')
  },
  slow: async ({ count = 300, text = 'slow' }) => {
    await new Promise((resolve) => setTimeout(resolve, count))
    note('notifications/message', { level: 'error', data: text })
    return answered(text)
  },
  progress: async ({ count = 5, text = '' }, _id, params) => {
    const { progressToken } = params._meta ?? {}
    for (let i = 1; i <= count; i++) {
      note('notifications/progress', { progressToken, progress: i, message: text })
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return answered(text)
  },
  touch: () => {
    note('notifications/resources/updated', { uri: 'test://one' })
    return answered('touched')
  },
  slowAsk: async ({ count = 100, text = 'slow' }) => {
    await new Promise((resolve) => setTimeout(resolve, count))
    return answered(JSON.stringify(await ask('elicitation/create', question(text))))
  },
}

const cancelled = new Set()

function initialize(id) {
  if (mode === 'die') process.exit(1)
  if (mode === 'hang') return
  const protocolVersion = mode === 'strange-version' ? '1999-01-01' : '2025-11-25'
  const capabilities = { tools: { listChanged: true }, logging: {}, resources: { subscribe: true } }
  say({ id, result: { protocolVersion, capabilities, serverInfo: { name: 'raw', version: '1' } } })
}

const methods = {
  initialize,
  'tools/list': (id) =>
    say({ id, result: { tools: Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' } })) } }),
  'resources/list': (id) => say({ id, result: { resources: [{ uri: 'test://one', name: 'one' }] } }),
  'resources/subscribe': (id) => say({ id, result: {} }),
  'resources/unsubscribe': (id) => say({ id, result: {} }),
  'tools/call': async (id, params) => {
    const result = await tools[params.name]?.(params.arguments ?? {}, id, params)
    if (result && !cancelled.has(id)) say({ id, result })
  },
}

async function onMessage({ id, method, params = {}, ...rest }) {
  if (method === undefined) waiting.get(id)?.(rest)
  if (method === 'notifications/cancelled') cancelled.add(params.requestId)
  if (id === undefined || method === undefined) return
  if (Object.hasOwn(methods, method)) await methods[method](id, params)
  else say({ id, error: { code: -32601, message: 'no' } })
}

if (mode === 'die-at-once') process.exit(7)
if (mode === 'banner') for (let i = 0; i < 20; i++) write(`*** welcome to line ${i} ***`)
if (mode === 'banner') process.stderr.write(`my key is ${process.env.RAW_SECRET ?? ''}\n`)
if (mode === 'stubborn') {
  process.on('SIGTERM', () => undefined)
  setInterval(() => undefined, 60_000)
}

let held = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (chunk) => {
  const lines = (held + chunk).split('\n')
  held = lines.pop() ?? ''
  for (const line of lines) if (line.trim() !== '') void onMessage(JSON.parse(line))
})
if (mode !== 'stubborn') process.stdin.on('end', () => process.exit(0))
