/**
 * Guesses, for texts that no schema marks as secret: they decide what is masked or reported, never what is allowed.
 * A wrong guess hides too much or advises needlessly.
 */

/** Words that end or stand in the name of a variable, a header or a flag that holds a secret. */
const secretName =
  /(^|[^a-z])(auth|authorization|cookie|jwt|pat|pwd|pass|session)($|[^a-z])|api[-_]?key|access[-_]?key|private[-_]?key|credential|passphrase|passw|secret|token|bearer|(^|[-_])key$|dsn$|connection[-_]?string/i

/** Issuers' own prefixes, made to be found; a JSON Web Token; a header's value with a credential in it. */
const secretPrefix =
  /^(tg_|sk[-_]|pk_|rk_|gh[pousr]_|github_pat_|glpat-|xox[a-z]-|ya29\.|eyJ|AKIA|ASIA|AIza|npm_|hf_|Bearer\s|Basic\s)/

/** As long and as mixed as only a machine writes it. */
const randomText = /^(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+/=_-]{32,}$/

export function isSecretName(name: string): boolean {
  return secretName.test(name)
}

export function isSecretText(text: string): boolean {
  return secretPrefix.test(text) || randomText.test(text)
}
