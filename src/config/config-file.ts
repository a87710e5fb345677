/** Where none is named, this one is taken, of the folder where the program was started. */
export const configFileName = 'toolgate.yaml'
