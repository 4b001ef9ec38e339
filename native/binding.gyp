{
  'targets': [
    {
      'target_name': 'hellotap',
      'sources': [
        'binding/addon.cc',
        'binding/packet-core-object.cc',
        'capture/mapped-file.cc',
        'capture/pcap-reader.cc',
        'capture/pcapng-reader.cc',
        'core/batch.cc',
        'core/packet-core.cc',
        'flow/flow-entries.cc',
        'flow/flow-table.cc',
        'flow/reassembler.cc',
        'flow/tls-gate.cc',
      ],
      'include_dirs': ['.', "<!(node -p \"require('node-addon-api').include_dir\")"],
      'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
      'cflags': ['-fvisibility=hidden'],
      'cflags!': ['-O2'],
      'cflags_cc': ['-std=c++17', '-O3', '-Wall', '-Wextra', '-fno-exceptions', '-fno-rtti'],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
      'xcode_settings': {
        'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
        'GCC_OPTIMIZATION_LEVEL': '3',
        'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
        'GCC_ENABLE_CPP_RTTI': 'NO',
        'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
        'MACOSX_DEPLOYMENT_TARGET': '11.0',
      },
    },
  ],
}
