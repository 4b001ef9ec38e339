# Sourced. Node's headers often lie beside its binary; then node-gyp is told so and need not fetch them. A folder that was
# named already is kept where it fits the node that runs.
option=npm_package_config_node_gyp_nodedir
case $(npm --version) in [1-9].* | 10.*) option=npm_config_nodedir ;; esac # npm 11 deprecates it, older node-gyp knows no other
for candidate in "${!option:-}" "$(node -p 'path.dirname(path.dirname(fs.realpathSync(process.execPath)))')"; do
  if grep -qs "define NODE_MODULE_VERSION $(node -p process.versions.modules)\$" "$candidate/include/node/node_version.h"; then
    export "$option=$candidate"
    unset option candidate
    return
  fi
done
unset "$option" option candidate
