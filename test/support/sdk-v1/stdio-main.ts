import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { createV1Server } from './server.ts'

await createV1Server().connect(new StdioServerTransport())
