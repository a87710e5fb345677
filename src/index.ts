/** The library: `import { createGateway } from 'toolgate'`. It runs in the program, without an HTTP server and without a file. */
import { createSchemaCheck } from '#adapters/ajv/schema-check.ts'
import { randomId } from '#adapters/crypto/random-id.ts'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import { createMemoryAuditLog } from '#adapters/memory/audit-log.ts'
import { operatorEgress } from '#compose/egress.ts'
import { createEngine } from '#compose/engine.ts'
import { createOAuth } from '#compose/oauth.ts'
import { createGatewayCredentials } from '#compose/server-credentials.ts'
import type { GatewayOptions } from '#library/gateway-options.ts'
import { LibraryGateway } from '#library/library-gateway.ts'

const auditEventsMax = 10_000

/**
 * Makes a gateway without servers. Close it when it is no longer needed, or declare it with `await using`.
 * @throws ConfigurationError that names every fault of the options
 */
export function createGateway(options: GatewayOptions = {}): LibraryGateway {
  const credentials = createGatewayCredentials(createOAuth({ ofAddress: () => operatorEgress }))
  return new LibraryGateway(options, {
    // A program's own servers are its operator's words.
    createEngine: (engine) => createEngine({ ...engine, egress: () => operatorEgress, credentialOf: credentials.of }),
    createAuditLog: () => createMemoryAuditLog({ ringMax: auditEventsMax }),
    checkSchema: createSchemaCheck(),
    hash: hashToken,
    randomId,
    now: Date.now,
  })
}

export { openSessionSocket, type SessionSocket } from '#adapters/session-socket/session-socket.ts'
export type { HarnessMcpServerSpec, HarnessSession } from '#contract/session.ts'
export type { AuditEvent } from '#core/audit/audit-event.ts'
export type { AuditLog } from '#core/audit/audit-log.ts'
export { AuthConfig, type AuthType } from '#library/auth-config.ts'
export {
  toAnthropicTool,
  toAnthropicToolResult,
  toOpenAIFunction,
  toOpenAIToolMessage,
  type AnthropicTool,
  type AnthropicToolResult,
  type OpenAIFunction,
  type OpenAIToolMessage,
} from '#library/convert.ts'
export type { CallOptions, Progress } from '#library/engine-calls.ts'
export * from '#library/errors.ts'
export type { Answerer, Asker, GatewayOptions } from '#library/gateway-options.ts'
export { PropertySchema, ToolInputSchema, type SchemaLike } from '#library/input-schema.ts'
export type { GatewayHealth, GatewayStats, LibraryGateway as Gateway, PerServer } from '#library/library-gateway.ts'
export { PermissionLevel, PermissionRule } from '#library/permission-level.ts'
export { PermissionManager, type PermissionCaller } from '#library/permission-manager.ts'
export { PermissionPolicy } from '#library/permission-policy.ts'
export type { ToolResult } from '#library/server-calls.ts'
export { McpServerConfig, type McpServerSettings } from '#library/server-config.ts'
export type { ServerDefinition } from '#library/server-definition.ts'
export type { Connection, ServerInfo, ServerState } from '#library/server-info.ts'
export { Tool } from '#library/tool.ts'
export { parseTransport, type TransportKind } from '#library/transport-kind.ts'
