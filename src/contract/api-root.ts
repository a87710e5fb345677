/** Where the management API begins. By itself, because the table of its operations is loaded only where it is used. */
export const apiRoot = '/api/v1'
