// A gateway in small that supervises a child which ignores SIGTERM. The child writes its id and its own child's to the file named.
import { superviseChild } from '#adapters/mcp-stdio/supervised-child.ts'

superviseChild({
  command: 'sh',
  args: ['-c', `trap '' TERM; sleep 60 & echo $$ >> "$PIDS"; echo $! >> "$PIDS"; wait; sleep 60`],
  env: { PIDS: process.argv[2] },
  onStart: () => {},
  onEnd: () => {},
})
setInterval(() => {}, 60_000)
