/** A token of the form the gateway knows, the same for the same name. Two names of at most 32 letters never give one token. */
export const tokenFor = (name: string): string => `tg_${name.replaceAll(/[^A-Za-z0-9]/g, '').padEnd(40, '0')}`
