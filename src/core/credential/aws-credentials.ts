/** Port: keys of AWS, with which requests are signed. Types only. */

export type AwsCredentials = {
  accessKeyId: string
  secretAccessKey: string
  /** Of temporary keys. */
  sessionToken: string | null
  /** Unix time in milliseconds; null: they do not end. */
  expiresAt: number | null
}

/** Where keys come from: those that are given here, else what AWS's own chain finds where the gateway runs; and the role that is assumed with them. */
export type AwsCredentialDefinition = {
  region: string
  accessKeyId?: string | undefined
  secretAccessKey?: string | undefined
  sessionToken?: string | undefined
  roleArn?: string | undefined
  /** What AWS records for the assumed role. Default: `toolgate`. */
  roleSessionName?: string | undefined
  externalId?: string | undefined
}

export interface AwsCredentialSource {
  /**
   * Keys that hold now. Asks each time: who keeps them asks again before `expiresAt`.
   * @throws GatewayError, by rejecting: `credential_unavailable` with `details.reason` (`no_aws_credentials`, `aws_role_refused`,
   *   `aws_unreachable`), and never a word of AWS's; `config_invalid` for half of the keys
   */
  get(definition: AwsCredentialDefinition): Promise<AwsCredentials>
}
