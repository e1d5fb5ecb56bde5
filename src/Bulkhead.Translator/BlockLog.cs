using System.Globalization;
using Bulkhead.X86.State;

namespace Bulkhead.Translator;

/// <summary>Writes a line per dispatched block: where, in which mode, and a hash of the architectural state.</summary>
/// <remarks>Two logs of runs that should be the same differ first where the engine (or a setting of it) went wrong. With
/// chaining off every block is dispatched; with one instruction a block, every instruction.
/// <i>Threading</i>: the vCPU's thread.</remarks>
internal sealed unsafe class BlockLog : IDisposable
{
    private readonly StreamWriter _writer;
    private readonly bool _registers;

    internal BlockLog(string path, bool registers)
    {
        _writer = new StreamWriter(path, append: false, System.Text.Encoding.ASCII, 1 << 16);
        _registers = registers;
    }

    /// <summary>Writes a line; the flags must be joined.</summary>
    internal void Write(ref Registers r, ulong mode)
    {
        _writer.Write(r.Rip.ToString("x", CultureInfo.InvariantCulture));
        _writer.Write(' ');
        _writer.Write(mode.ToString("x", CultureInfo.InvariantCulture));
        _writer.Write(' ');
        _writer.Write(StateHash.WithoutX87(in r).ToString("x16", CultureInfo.InvariantCulture));
        if (_registers)
        {
            for (int i = 0; i < 16; i++)
            {
                _writer.Write(' ');
                _writer.Write(r.Gpr[i].ToString("x", CultureInfo.InvariantCulture));
            }

            _writer.Write(" f=");
            _writer.Write(r.Rflags.ToString("x", CultureInfo.InvariantCulture));
        }

        _writer.Write('\n');
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
