/** The entry of the package: what a plugin imports from `pulp-sdk-assemblyscript`. */
export * from './assembly/index';
