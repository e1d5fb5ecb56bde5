using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Memory;

/// <summary>A page of a file mapped as if it were to be executed: whoever records the process's mappings sees the file's name.</summary>
public sealed unsafe class ExecutableFileMark : IDisposable
{
    private const nuint Size = 4096;
    private void* _page;

    /// <summary>Maps the file's first page.</summary>
    public ExecutableFileMark(SafeFileHandle file)
    {
        _page = Libc.Mmap(null, Size, Libc.ProtRead | Libc.ProtExec, Libc.MapPrivate, (int)file.DangerousGetHandle(), 0);
        if (_page == (void*)-1)
        {
            throw new OperatorException($"The host refused to map a file for execution (errno {Marshal.GetLastPInvokeError()}); is its file system mounted noexec?");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_page is not null)
        {
            _ = Libc.Munmap(_page, Size);
            _page = null;
        }
    }
}
