/** The face of the command's package: what a program that starts a rack needs of it. */
export { CliError } from './core/errors.ts';
export { joinRack, type JoinedRack, type JoinRack } from './join-rack.ts';
