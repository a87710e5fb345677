/** What the gateway says of itself to authorization servers that take a document instead of a registration (OAuth Client ID Metadata Document). */

const clientDocumentPath = '/connect/client.json'

/** @param baseUrl how this gateway is reached, without a slash at its end */
export function toClientDocument(baseUrl: string): Record<string, unknown> {
  return {
    client_id: `${baseUrl}${clientDocumentPath}`,
    client_name: 'Toolgate',
    client_uri: baseUrl,
    redirect_uris: [`${baseUrl}/connect/callback/document`],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'web',
  }
}
