using System.Buffers.Binary;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;
using Bulkhead.Devices.Pci;

namespace Bulkhead.Devices.Display;

/// <summary>A display as QEMU's bochs-display is: a linear framebuffer and the registers of Bochs's VBE extension, no VGA.</summary>
/// <remarks>
/// <code>
/// BAR 0: the framebuffer      BAR 2:  000 EDID   400 VGA ports, ignored   500 registers of 16 bits   600 size, byte order
/// registers:  0 ID   1 width   2 height   3 bits per pixel   4 enable   6 virtual width   7 virtual height   8 x   9 y   A memory in 64 KiB
/// </code>
/// <para>It is on from the start, in the mode it prefers, as firmware leaves it. Pixels have 32 bits; with any other number, or a mode that
/// does not fit the memory, it is dark.</para>
/// <para><i>Threading</i>: any; own lock for the registers. <i>Source</i>: QEMU, docs/specs/standard-vga.rst; Bochs, VBE display extension
/// (vbe_display_api.txt).</para>
/// </remarks>
public sealed class BochsDisplay : IPciDevice, IIoDevice
{
    private const int RegistersBytes = 0x1000;
    private const int Dispi = 0x500;
    private const int Extension = 0x600;
    private const int ByteOrder = 0x604;
    private const uint ExtensionBytes = 8;
    private const uint LittleEndianOrder = 0x1E1E_1E1E;
    private const ushort Id = 0xB0C5;
    private const ushort Enabled = 1;
    private const ushort Capabilities = 2;
    private const ushort LinearFrame = 0x40;
    private const ushort KeepMemory = 0x80;

    private readonly PciConfigSpace _config = new(new PciIdentity(0x1234, 0x1111, 0x1100, 0x03_8000, Revision: 2, SubsystemVendor: 0x1AF4));
    private readonly Lock _lock = new();
    private readonly ushort[] _registers = new ushort[(int)Register.Count];
    private readonly byte[] _edid;
    private readonly SharedWindow _memory;
    private readonly PciBar _frame;

    /// <summary>Makes one.</summary>
    /// <param name="memory">Its memory.</param>
    /// <param name="width">Pixels in a line of the mode it prefers.</param>
    /// <param name="height">Lines of that mode.</param>
    public BochsDisplay(SharedWindow memory, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(memory);
        _memory = memory;
        _edid = Edid.Build(width, height);
        _config.AddBar(0, memory, wide: false);
        _frame = _config.Bars[^1];
        _config.AddBar(2, RegistersBytes, this);
        _config.DecodeMemory();
        _frame.SetPresent(true);
        (this[Register.Width], this[Register.Height], this[Register.BitsPerPixel]) = ((ushort)width, (ushort)height, ScreenMode.PixelBits);
        (this[Register.VirtualWidth], this[Register.VirtualHeight]) = ((ushort)width, (ushort)height);
        this[Register.Enable] = Enabled | LinearFrame | KeepMemory;
    }

    private enum Register
    {
        Id,
        Width,
        Height,
        BitsPerPixel,
        Enable,
        Bank,
        VirtualWidth,
        VirtualHeight,
        X,
        Y,
        Memory64K,
        Count,
    }

    /// <inheritdoc/>
    public IReadOnlyList<PciBar> Bars => _config.Bars;

    /// <summary>Where the framebuffer is; null for nowhere.</summary>
    public ulong? FrameAddress => _frame.At;

    /// <summary>How large it is.</summary>
    public ulong FrameBytes => _memory.SizeBytes;

    /// <summary>What it shows; null: it is dark.</summary>
    public ScreenMode? Mode
    {
        get
        {
            lock (_lock)
            {
                int width = this[Register.Width], height = this[Register.Height];
                ulong pitch = (ulong)Math.Max(this[Register.VirtualWidth], width) * ScreenMode.PixelBytes;
                ulong offset = (this[Register.Y] * pitch) + ((ulong)this[Register.X] * ScreenMode.PixelBytes);
                bool shows = (this[Register.Enable] & Enabled) != 0 && this[Register.BitsPerPixel] == ScreenMode.PixelBits && width > 0 && height > 0;
                return shows && offset + (pitch * (ulong)height) <= _memory.SizeBytes ? new ScreenMode(width, height, (int)pitch, offset) : null;
            }
        }
    }

    private ref ushort this[Register register] => ref _registers[(int)register];

    /// <summary>What it shows now; the guest may draw meanwhile.</summary>
    public ScreenImage Capture()
    {
        if (Mode is not { } mode)
        {
            return new ScreenImage(0, 0, default);
        }

        int line = mode.Width * ScreenMode.PixelBytes;
        byte[] pixels = new byte[line * mode.Height];
        for (int y = 0; y < mode.Height; y++)
        {
            _memory.Read(mode.Offset + ((ulong)y * (ulong)mode.PitchBytes), pixels.AsSpan(y * line, line));
        }

        return new ScreenImage(mode.Width, mode.Height, pixels);
    }

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data) => _config.Read(offset, data);

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data) => _config.Write(offset, data);

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        data.Clear();
        if (offset < (ulong)_edid.Length)
        {
            int at = (int)offset;
            _edid.AsSpan(at, Math.Min(data.Length, _edid.Length - at)).CopyTo(data);
        }
        else if (offset - Dispi < (ulong)Register.Count * sizeof(ushort))
        {
            LittleEndian.Put(data, Get((Register)((offset - Dispi) / sizeof(ushort))));
        }
        else if (offset is Extension or ByteOrder)
        {
            LittleEndian.Put(data, offset == Extension ? ExtensionBytes : LittleEndianOrder);
        }

        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        if (offset - Dispi < (ulong)Register.Count * sizeof(ushort))
        {
            Set((Register)((offset - Dispi) / sizeof(ushort)), (ushort)LittleEndian.Get(data));
        }

        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public void Save(StateWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Begin("display", 1);
        _config.Save(writer);
        lock (_lock)
        {
            foreach (ushort register in _registers)
            {
                writer.Write(register);
            }
        }

        byte[] memory = new byte[_memory.SizeBytes];
        _memory.Read(0, memory);
        writer.Write(memory);
        writer.End();
    }

    /// <inheritdoc/>
    public void Restore(StateReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        _ = reader.Begin("display", 1);
        _config.Restore(reader);
        lock (_lock)
        {
            for (int i = 0; i < _registers.Length; i++)
            {
                _registers[i] = reader.ReadUInt16();
            }
        }

        byte[] memory = new byte[_memory.SizeBytes];
        reader.Read(memory);
        reader.EndSection();
        if (reader.Error is null)
        {
            _memory.Write(0, memory);
        }
    }

    private ushort Get(Register register)
    {
        lock (_lock)
        {
            bool most = (this[Register.Enable] & Capabilities) != 0;
            return register switch
            {
                Register.Id => Id,
                Register.Memory64K => (ushort)(_memory.SizeBytes >> 16),
                Register.Width when most => DisplayLimits.MostWidth,
                Register.Height when most => DisplayLimits.MostHeight,
                Register.BitsPerPixel when most => ScreenMode.PixelBits,
                _ => this[register],
            };
        }
    }

    private void Set(Register register, ushort value)
    {
        bool clears;
        lock (_lock)
        {
            clears = register == Register.Enable && (value & Enabled) != 0 && (value & KeepMemory) == 0 && (this[Register.Enable] & Enabled) == 0;
            this[register] = value;
        }

        if (clears)
        {
            _memory.Clear();
        }
    }
}
